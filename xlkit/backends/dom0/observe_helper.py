#!/usr/bin/python3 -ISs
"""Stand in front of libxl-save-helper: relay every byte, and write down what passes.

Cargo: one file, standard library only, Python 3.6 or newer. It sees each pass (libxenguest reports its progress
whatever the verbosity) and decides nothing; an abort in ``policy.json`` becomes SIGTERM to the stock helper, which
then takes its own way out. Whatever its table does not know runs in the stock helper alone.

Environment: ``XLKIT_RUN`` (folder of ``events`` and ``policy.json``), ``XLKIT_STOCK_HELPER``, ``XLKIT_T0``.
"""

import json
import os
import select
import signal
import struct
import sys
import time

PROGRESS = 2
POLL_S, PROGRESS_S = 0.1, 0.25
# Numbers of `suspend` and `complete` by (first minor version, last one, cbflags). 136: xen.git, RELEASE-4.NN.0,
# libxl_save_msgs_gen.pl; 280: the same with the message `precopy_policy` put in as number 3 (SUSE, and the patch
# series).
NUMBERS = {(10, 13, 136): (3, 9), (14, 22, 136): (3, 10), (14, 22, 280): (4, 11)}


def numbers(minor: int, cbflags: int) -> "tuple[int, int] | None":
    """Look up the message numbers; None where the table does not have them."""
    for (first, last, flags), found in NUMBERS.items():
        if first <= minor <= last and flags == cbflags:
            return found
    return None


class Frames:
    """Cut a stream of bytes into the messages that a helper sends."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> "list[tuple[int, bytes]]":
        """Return the messages that are whole now: number and body."""
        self._rest += data
        found = []
        while len(self._rest) >= 4:
            length, number = struct.unpack_from("=HH", self._rest)
            if len(self._rest) < length + 2:
                break
            found.append((number, self._rest[4 : length + 2]))
            self._rest = self._rest[length + 2 :]
        return found


class Observer:
    """Turn the messages of one save into events."""

    def __init__(self, folder: str, suspend: int, complete: int) -> None:
        self._fd = os.open(os.path.join(folder, "events"), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._t0_s = float(os.environ.get("XLKIT_T0") or time.monotonic())
        self._suspend, self._complete, self._shown_s = suspend, complete, 0.0

    def write(self, event: str, **facts: object) -> None:
        """Append one JSON line; one that cannot be written is lost, the migration goes on."""
        line = {"event": event, "t": round(time.monotonic() - self._t0_s, 6), "wall": round(time.time(), 6)}
        line.update(facts)
        try:
            os.write(self._fd, (json.dumps(line) + "\n").encode())
        except OSError as error:
            os.write(2, f"xlkit: event lost: {error}\n".encode())

    def message(self, number: int, body: bytes) -> None:
        """Write down a message, if it tells anything."""
        if number == self._suspend:
            self.write("suspend-asked")
        elif number == self._complete and len(body) == 8:
            result, errnum = struct.unpack("=ii", body)
            self.write("save-returned", r=result, errno=errnum)
        elif number == PROGRESS:
            self._progress(body)

    def _progress(self, body: bytes) -> None:
        length = struct.unpack_from("=I", body)[0]
        at = 4 + length
        end = at + 4 + struct.unpack_from("=I", body, at)[0]
        what = body[at + 4 : end - 1].decode("utf-8", "replace")
        done, total = struct.unpack_from("=QQ", body, end)
        now_s = time.monotonic()
        if what == "Domain now suspended":
            self.write("suspended", reply=1)
        if done in (0, total) or now_s - self._shown_s >= PROGRESS_S:
            self._shown_s = now_s
            self.write("progress", what=what, done=done, total=total)


def aborted(folder: str) -> bool:
    """Tell whether the operator asked for an abort."""
    try:
        with open(os.path.join(folder, "policy.json")) as file:
            return bool(json.load(file)["action"] == "abort")
    except (OSError, ValueError, KeyError, TypeError):
        return False


def start(stock: str, argv: "list[str]") -> "tuple[int, int]":
    """Start the stock helper with libxl's replies on its fd 0; return its process id and the end of its messages."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writing, 1)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.execv(stock, [stock] + argv)
    os.close(writing)
    return pid, reading


def relay(reading: int, pid: int, folder: str, observer: Observer) -> None:
    """Pass messages on until the stock helper closes its end."""
    frames, asked = Frames(), False
    while True:
        ready, _, _ = select.select([reading], [], [], POLL_S)
        if not asked and aborted(folder):
            asked = True
            observer.write("cut", why="abort")
            os.kill(pid, signal.SIGTERM)
        if not ready:
            continue
        data = os.read(reading, 1 << 16)
        if not data:
            return
        for number, body in frames.feed(data):
            observer.message(number, body)
        while data:
            data = data[os.write(1, data) :]


def minor_version(stock: str) -> int:
    """Read from the stock helper which libxenguest it is linked with; -1 where that cannot be told."""
    with open(stock, "rb") as file:
        _, _, rest = file.read().partition(b"libxenguest.so.4.")
    digits = (rest[:4].replace(b"\0", b" ").split() or [b""])[0]
    return int(digits) if digits.isdigit() else -1


def main(argv: "list[str]") -> int:
    """Watch a save, or leave everything to the stock helper."""
    stock, folder = os.environ["XLKIT_STOCK_HELPER"], os.environ.get("XLKIT_RUN", "")
    known = None
    if folder and len(argv) >= 7 and argv[0] == "--save-domain" and argv[-1] == "0":
        known = numbers(minor_version(stock), int(argv[-2]))
    if known is None:
        os.execv(stock, [stock] + argv)
    observer = Observer(folder, *known)
    pid, reading = start(stock, argv)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
    observer.write("start", pid=os.getpid(), dom=int(argv[3]), cbflags=int(argv[-2]), observed=True)
    try:
        relay(reading, pid, folder, observer)
    except OSError as error:
        observer.write("libxl-gone", error=str(error))
        os.kill(pid, signal.SIGTERM)
    status = os.waitpid(pid, 0)[1]
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 255


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))
