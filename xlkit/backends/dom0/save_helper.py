#!/usr/bin/python3 -ISs
"""Stand in for libxl-save-helper on the sending side, and decide there when precopy ends.

Cargo: one file, standard library only, Python 3.6 or newer, carried to a dom0 and started there by libxl, which takes
its name from ``LIBXL_SAVE_HELPER``. A plain live save is done here, by ``xc_domain_save()`` of the host's own
libxenguest with a policy of ours; all else (restore, Remus, COLO, a save that is not live) and all that the table
below does not know goes to the stock helper, by exec, before a byte is exchanged.

Environment: ``XLKIT_RUN``, a folder that holds ``policy.json`` (re-read while running), ``events`` (JSON lines,
appended) and ``answers`` (JSON lines, where the policy asks its watcher); ``XLKIT_STOCK_HELPER``; ``XLKIT_T0``,
CLOCK_MONOTONIC at time 0 of the events.
"""

import ctypes
import json
import os
import signal
import struct
import sys
import threading
import time

TYPE_CHECKING = False  # typing is never imported here: it would cost an emulated host a second
if TYPE_CHECKING:
    from typing import Any, Callable, Union

    Stats = Union["Stats16", "Stats24"]
    Policy = dict[str, Any]

ABORT, CONTINUE, STOP = -1, 0, 1
NAMES = {ABORT: "abort", CONTINUE: "continue", STOP: "stop"}
LIVE = 1
DEBUG_LEVEL, INFO_LEVEL, ERROR_LEVEL = 1, 5, 8
PR_SET_PDEATHSIG = 1
POLL_S, PROGRESS_S, ANSWER_POLL_S = 0.1, 0.25, 0.005


class Stats16(ctypes.Structure):
    """``struct precopy_stats`` of Xen 4.14: 16 bytes, which arrive in registers."""

    _fields_ = [("iteration", ctypes.c_uint32), ("total_written", ctypes.c_uint32), ("dirty_count", ctypes.c_int64)]


class Stats24(ctypes.Structure):
    """``struct precopy_stats`` from Xen 4.15 on: 24 bytes, which arrive on the stack."""

    _fields_ = [("iteration", ctypes.c_uint32), ("total_written", ctypes.c_uint64), ("dirty_count", ctypes.c_int64)]


# What libxl and libxenguest agree on, by the version in libxenguest's soname, x86-64 only. Run on Xen: 4.17. The
# others are read from xen.git at RELEASE-4.NN.0: struct precopy_stats, struct save_callbacks and xc_domain_save() from
# tools/libs/guest/include/xenguest.h (4.14: tools/libxc/include), the arguments from
# tools/libs/light/libxl_save_helper.c (4.14: tools/libxl), the numbers from libxl_save_msgs_gen.pl beside it, which
# numbers by position since 4.14. Not in the table on purpose: up to 4.13, ABORT is taken for STOP and pages are lost,
# so no policy of ours may run there.
STATS = {f"4.{minor}": Stats24 if minor > 14 else Stats16 for minor in range(14, 23)}  # type: dict[str, Any]
ARGUMENTS = ("io_fd", "recv_fd", "domid", "flags", "cbflags", "stream_type")
LOG, PROGRESS, SUSPEND, LOGDIRTY, COMPLETE = 1, 2, 3, 7, 10
# A plain save sets the bits of suspend and switch_qemu_logdirty; a patched libxl (280) sets the policy itself and
# numbers otherwise.
CBFLAGS = 1 << SUSPEND | 1 << LOGDIRTY

PLAIN_CB = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
LOGDIRTY_CB = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint32, ctypes.c_uint, ctypes.c_void_p)
MESSAGE_CB = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p
)
PROGRESS_CB = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_ulong, ctypes.c_ulong
)


class Events:
    """Append what happens as JSON lines; a line that cannot be written is lost, the migration goes on."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._t0_s = float(os.environ.get("XLKIT_T0") or time.monotonic())

    def now_s(self) -> float:
        """Tell the time since the start of the run [s]."""
        return round(time.monotonic() - self._t0_s, 6)

    def write(self, event: str, **facts: object) -> None:
        """Append one line; the append is one write, so lines of two writers do not mix."""
        line = {"event": event, "t": self.now_s(), "wall": round(time.time(), 6)}
        line.update(facts)
        try:
            os.write(self._fd, (json.dumps(line) + "\n").encode())
        except OSError as error:
            os.write(2, f"xlkit: event lost: {error}\n".encode())


class Wire:
    """The helper's end of libxl's pipes: messages on fd 1, replies on fd 0."""

    def __init__(self) -> None:
        self._out, self._in = os.dup(1), os.dup(0)
        os.dup2(2, 1)  # a stray print must not reach libxl
        self._lock = threading.Lock()

    def send(self, number: int, body: bytes = b"") -> None:
        """Send a message that gets no reply."""
        with self._lock:
            self._write(number, body)

    def ask(self, number: int, body: bytes = b"") -> int:
        """Send a message and return its reply; `OSError` when libxl has gone."""
        with self._lock:
            self._write(number, body)
            reply = b""
            while len(reply) < 4:
                part = os.read(self._in, 4 - len(reply))
                if not part:
                    raise OSError("libxl has closed its pipe")
                reply += part
        return int(struct.unpack("=i", reply)[0])

    def _write(self, number: int, body: bytes) -> None:
        data = struct.pack("=HH", len(body) + 2, number) + body
        while data:
            data = data[os.write(self._out, data) :]


def string(text: bytes) -> bytes:
    """Pack a string: its length with the NUL, the bytes, the NUL."""
    text = text.replace(b"\0", b"")[:30000]
    return struct.pack("=I", len(text) + 1) + text + b"\0"


class Control:
    """The policy as the watcher wrote it, and the operator's orders; re-read whenever the file changes."""

    def __init__(self, folder: str, events: Events) -> None:
        self._path, self._answers = os.path.join(folder, "policy.json"), os.path.join(folder, "answers")
        self._events, self._calls = events, 0
        self._stamp = None  # type: Any
        self._lock = threading.Lock()
        self._policy = {}  # type: Policy
        self.refresh()
        if not self._policy:
            raise ValueError("no policy in " + self._path)

    def refresh(self) -> "Policy":
        """Return what holds now; a file that cannot be used changes nothing and is noted."""
        with self._lock:
            try:
                status = os.stat(self._path)
                stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
                if stamp != self._stamp:
                    self._stamp = stamp
                    with open(self._path) as file:
                        self._policy = checked(json.load(file))
                    self._events.write("policy", **self._policy)
            except (OSError, ValueError) as error:
                self._events.write("policy-unreadable", error=str(error))
            return self._policy

    def decide(self, stats: "Stats") -> "tuple[int, object]":
        """Answer one call of the library, and tell under which orders."""
        policy = self.refresh()
        if policy["ask"] and not policy["action"]:
            policy = self._ask(stats, policy)
        decision = decide(policy, stats.iteration, stats.dirty_count)
        return decision, policy["seq"]

    def _ask(self, stats: "Stats", policy: "Policy") -> "Policy":
        self._calls += 1
        self._events.write("policy-asked", call=self._calls, iteration=stats.iteration, dirty_count=stats.dirty_count,
                           total_written=stats.total_written)  # fmt: skip
        end_s = time.monotonic() + policy["answer_within_s"]
        while time.monotonic() < end_s:
            answer = self._answer()
            policy = self.refresh()
            if answer or policy["action"]:
                return dict(policy, answer=answer)
            time.sleep(ANSWER_POLL_S)
        self._events.write("policy-unanswered", call=self._calls)
        return policy

    def _answer(self) -> "str | None":
        try:
            with open(self._answers) as file:
                for line in file:
                    if line.endswith("\n") and json.loads(line).get("call") == self._calls:
                        return str(json.loads(line)["decision"])
        except (OSError, ValueError, KeyError, AttributeError):
            pass
        return None


def checked(raw: "Policy") -> "Policy":
    """Return a policy with all its fields; `ValueError` says what is wrong."""
    policy = {
        "min_remaining": 50, "max_iters": 5, "action": None, "ask": False, "answer_within_s": 10.0, "seq": 0,
    }  # type: Policy  # fmt: skip
    if not isinstance(raw, dict):
        raise ValueError("a policy is a JSON object")  # noqa: TRY004 - all that is wrong with a file is one kind of error
    policy.update(raw)
    for name in ("min_remaining", "max_iters"):
        value = policy[name]
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 32:
            raise ValueError(f"{name} must lie between 1 and 2^32-1, not {value!r}")
    if policy["action"] not in (None, "stop", "abort"):
        raise ValueError(f"unknown action {policy['action']!r}")
    return policy


def decide(policy: "Policy", iteration: int, dirty_count: int) -> int:
    """Apply orders first, then the watcher's answer, then Xen's rule with the two knobs."""
    if policy["action"]:
        return ABORT if policy["action"] == "abort" else STOP
    for decision, name in NAMES.items():
        if policy.get("answer") == name:
            return decision
    few = 0 <= dirty_count < policy["min_remaining"]
    return STOP if few or iteration >= policy["max_iters"] else CONTINUE


class Library:
    """The host's own libxenguest and libxenctrl, of the version that the stock helper is linked with."""

    def __init__(self, version: str) -> None:
        self._guest = ctypes.CDLL("libxenguest.so." + version, use_errno=True)
        self._ctrl = ctypes.CDLL("libxenctrl.so." + version, use_errno=True)
        self._libc = ctypes.CDLL(None)
        pointer, number = ctypes.c_void_p, ctypes.c_uint32
        self._ctrl.xc_interface_open.restype = pointer
        self._ctrl.xc_interface_open.argtypes = [pointer, pointer, ctypes.c_uint]
        self._ctrl.xc_domain_nr_gpfns.argtypes = [pointer, number, pointer]
        self._guest.xc_domain_save.argtypes = [
            pointer, ctypes.c_int, number, number, pointer, ctypes.c_int, ctypes.c_int,
        ]  # fmt: skip
        self._libc.vsnprintf.argtypes = [ctypes.c_char_p, ctypes.c_size_t, pointer, pointer]
        self._policy_cb = ctypes.CFUNCTYPE(ctypes.c_int, STATS[version], pointer)
        self._keep = []  # type: list[object]

    def open(self, message: "Callable[..., None]", progress: "Callable[..., None]") -> None:
        """Open the hypervisor's interface; messages and progress go to the two callables."""

        def on_message(_l: int, level: int, errnum: int, context: bytes, fmt: int, arguments: int) -> None:
            text = ctypes.create_string_buffer(4096)
            self._libc.vsnprintf(text, len(text), fmt, arguments)
            message(level, errnum, context or b"", text.value)

        def on_progress(_l: int, context: bytes, what: bytes, _percent: int, done: int, total: int) -> None:
            progress(context or b"", what or b"", done, total)

        calls = [MESSAGE_CB(on_message), PROGRESS_CB(on_progress), ctypes.CFUNCTYPE(None, ctypes.c_void_p)(os.abort)]
        logger = (ctypes.c_void_p * 3)(*[ctypes.cast(one, ctypes.c_void_p) for one in calls])
        self._keep += [calls, logger]
        self._xch = self._ctrl.xc_interface_open(logger, logger, 0)
        if not self._xch:
            raise OSError(ctypes.get_errno(), "xc_interface_open failed")

    def p2m_pages(self, domid: int) -> int:
        """Ask the hypervisor for the highest guest frame number, plus one."""
        pages = ctypes.c_ulong()
        return pages.value if self._ctrl.xc_domain_nr_gpfns(self._xch, domid, ctypes.byref(pages)) == 0 else -1

    def save(self, arguments: "dict[str, int]", *calls: "Callable[..., int]") -> "tuple[int, int]":
        """Run the save with callbacks for suspend, policy and logdirty; return its result and errno."""
        kinds = (PLAIN_CB, self._policy_cb, LOGDIRTY_CB)
        suspend, policy, logdirty = [kind(call) for kind, call in zip(kinds, calls)]
        # struct save_callbacks; between policy and logdirty: postcopy, checkpoint, wait_checkpoint; data comes last.
        members = [suspend, policy, None, None, None, logdirty, None]  # type: list[Any]
        table = (ctypes.c_void_p * 7)(*[one and ctypes.cast(one, ctypes.c_void_p) for one in members])
        ctypes.set_errno(0)
        result = self._guest.xc_domain_save(
            self._xch, arguments["io_fd"], arguments["domid"], arguments["flags"], table,
            arguments["stream_type"], arguments["recv_fd"],
        )  # fmt: skip
        return result, ctypes.get_errno() if result else 0


class Save:
    """One save: the library works in a thread of its own, the main thread watches the orders and takes SIGTERM."""

    def __init__(self, arguments: "dict[str, int]", library: Library, control: Control, events: Events) -> None:
        self._arguments, self._library, self._control, self._events = arguments, library, control, events
        self._wire = Wire()
        self._worker = threading.Thread(target=self._work, daemon=True)
        self._cut = self._proved = False
        self._result = (-1, 0)
        self._shown_s, self._parent = 0.0, os.getppid()

    def run(self) -> int:
        """Save, report to libxl, and return the exit status."""
        self._events.write("start", pid=os.getpid(), dom=self._arguments["domid"], flags=self._arguments["flags"],
                           cbflags=self._arguments["cbflags"], start_cost=round(time.process_time(), 6))  # fmt: skip
        signal.signal(signal.SIGUSR1, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self.cut("SIGTERM"))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM, signal.SIGUSR1])
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        self._message(DEBUG_LEVEL, 0, b"libxl-save-helper", b"starting save")
        try:
            self._library.open(self._message, self._progress)
        except OSError as error:
            self._events.write("failed", error=str(error))
            self._message(ERROR_LEVEL, -1, b"libxl-save-helper", str(error).encode())
            return 255
        self._worker.start()
        while self._worker.is_alive():
            self._worker.join(POLL_S)
            self._watch()
        return self._complete()

    def cut(self, why: str) -> None:
        """Let the library's next write fail, so that it takes its own way out: log-dirty off, -1 returned."""
        if not self._cut:
            self._cut = True
            os.dup2(os.open(os.devnull, os.O_RDONLY), self._arguments["io_fd"])
            self._events.write("cut", why=why)
        if self._worker.is_alive():
            signal.pthread_kill(self._worker.ident or 0, signal.SIGUSR1)  # out of a write that blocks

    def _watch(self) -> None:
        if os.getppid() != self._parent:
            self.cut("xl has gone")
        elif self._cut or self._control.refresh()["action"] == "abort":
            self.cut("abort")

    def _complete(self) -> int:
        result, errnum = self._result
        self._events.write("save-returned", r=result, errno=errnum)
        try:
            self._message(DEBUG_LEVEL, errnum, b"libxl-save-helper", b"complete r=%d" % result)
            self._wire.ask(COMPLETE, struct.pack("=ii", result, errnum))
            self._events.write("complete", r=result, errno=errnum)
        except OSError as error:
            self._events.write("libxl-gone", error=str(error))
        return 0

    def _work(self) -> None:
        self._result = self._library.save(self._arguments, self._suspend, self._policy, self._logdirty)

    def _policy(self, stats: "Stats", _data: object = None) -> int:
        try:
            if not self._proved and not self._prove(stats):
                return ABORT
            decision, seq = self._control.decide(stats)
            self._events.write("policy-call", iteration=stats.iteration, total_written=stats.total_written,
                               dirty_count=stats.dirty_count, decision=NAMES[decision], seq=seq)  # fmt: skip
            if stats.dirty_count >= 0:
                text = f"iteration {stats.iteration}: {stats.dirty_count} dirty, {stats.total_written} sent, "
                text += f"{self._events.now_s():.3f} s: {NAMES[decision]}"
                self._message(INFO_LEVEL, -1, b"precopy", text.encode())
        except Exception as error:  # noqa: BLE001 - ctypes would print it and answer CONTINUE
            self._events.write("policy-error", error=repr(error))
            return ABORT
        return decision

    def _prove(self, stats: "Stats") -> bool:
        pages = self._library.p2m_pages(self._arguments["domid"])
        seen = (stats.iteration, stats.total_written, stats.dirty_count)
        self._proved = seen == (0, 0, pages)
        self._events.write("layout", proved=self._proved, p2m_pages=pages, seen=list(seen))
        if not self._proved:
            text = f"first policy call {seen}, not (0, 0, {pages}): layout unknown, aborted before a page was sent"
            self._message(ERROR_LEVEL, -1, b"precopy", text.encode())
        return self._proved

    def _suspend(self, _data: object = None) -> int:
        self._events.write("suspend-asked")
        reply = self._ask(SUSPEND)
        self._events.write("suspended", reply=reply)
        return reply

    def _logdirty(self, domid: int, enable: int, _data: object = None) -> int:
        reply = self._ask(LOGDIRTY, struct.pack("=II", domid, enable), failed=-1)
        self._events.write("qemu-logdirty", enable=enable, reply=reply)
        return reply

    def _ask(self, number: int, body: bytes = b"", failed: int = 0) -> int:
        try:
            return self._wire.ask(number, body)
        except OSError as error:
            self._events.write("libxl-gone", error=str(error))
            return failed

    def _message(self, level: int, errnum: int, context: bytes, text: bytes) -> None:
        body = struct.pack("=II", level & 0xFFFFFFFF, errnum & 0xFFFFFFFF)
        self._tell(LOG, body + string(context) + string(text))

    def _progress(self, context: bytes, what: bytes, done: int, total: int) -> None:
        now_s = self._events.now_s()
        if done in (0, total) or now_s - self._shown_s >= PROGRESS_S:
            self._shown_s = now_s
            self._events.write("progress", what=what.decode("utf-8", "replace"), done=done, total=total)
        self._tell(PROGRESS, string(context) + string(what) + struct.pack("=QQ", done, total))

    def _tell(self, number: int, body: bytes) -> None:
        try:
            self._wire.send(number, body)
        except OSError:
            self.cut("libxl has closed its pipe")


def stock_version(stock: str) -> str:
    """Read from the stock helper which libxenguest it is linked with; empty where that cannot be told."""
    with open(stock, "rb") as file:
        _, _, rest = file.read().partition(b"libxenguest.so.")
    return (rest[:8].replace(b"\0", b" ").split() or [b""])[0].decode("ascii", "replace")


def unknown(argv: "list[str]", version: str) -> str:
    """Say why this save is not ours; empty when it is."""
    if len(argv) != 7 or argv[0] != "--save-domain" or not all(one.lstrip("-").isdigit() for one in argv[1:]):
        return "not a save with the arguments of Xen 4.14 or newer"
    arguments = dict(zip(ARGUMENTS, map(int, argv[1:])))
    if arguments["stream_type"] or not arguments["flags"] & LIVE:
        return "not a plain live save"
    if arguments["cbflags"] != CBFLAGS:
        return f"callbacks {arguments['cbflags']} instead of {CBFLAGS}: another message table"
    if version not in STATS or os.uname().machine != "x86_64":
        return f"Xen {version or 'of unknown version'} on {os.uname().machine} is not in the table"
    return ""


def main(argv: "list[str]", library: "type[Library]" = Library) -> int:
    """Save the domain, or hand over to the stock helper."""
    stock = os.environ["XLKIT_STOCK_HELPER"]
    folder = os.environ.get("XLKIT_RUN", "")
    try:
        version = stock_version(stock)
        why = unknown(argv, version) or ("" if folder else "XLKIT_RUN is not set")
        if not why:
            events = Events(os.path.join(folder, "events"))
            arguments = dict(zip(ARGUMENTS, map(int, argv[1:])))
            save = (arguments, library(version), Control(folder, events), events)
    except (OSError, ValueError, AttributeError) as error:
        why = str(error)
    if why:
        os.write(2, f"xlkit: handed over to {stock}: {why}\n".encode())
        if folder and argv[:1] == ["--save-domain"]:
            Events(os.path.join(folder, "events")).write("handed-over", why=why)
        os.execv(stock, [stock] + argv)
    return Save(*save).run()


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))
