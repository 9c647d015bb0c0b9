#!/usr/bin/python3 -ISs
"""Start xl in a session of its own, and write down what it prints and how it ends.

Cargo: one file, standard library only, Python 3.6 or newer. ``launch.py FOLDER`` returns as soon as xl runs. The
folder holds ``job.json`` (``argv``, ``env``); here come to be ``pid``, ``xl.out``, ``xl.err``, and in ``events`` a
line ``launched``, one ``text`` for each line of xl's, and ``xl-exited``. xl writes into files, never into a pipe of
ours: nothing that happens to this process can reach it.
"""

import json
import os
import signal
import sys
import time

TYPE_CHECKING = False  # typing is never imported here: it would cost an emulated host a second
if TYPE_CHECKING:
    from typing import Any

POLL_S = 0.05


class Events:
    """Append JSON lines to the folder's ``events``."""

    def __init__(self, folder: str, t0_s: float) -> None:
        self._fd = os.open(os.path.join(folder, "events"), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._t0_s = t0_s

    def write(self, event: str, **facts: object) -> None:
        """Append one line; a full disk loses it and stops nothing."""
        line = {"event": event, "t": round(time.monotonic() - self._t0_s, 6), "wall": round(time.time(), 6)}
        line.update(facts)
        try:
            os.write(self._fd, (json.dumps(line) + "\n").encode())
        except OSError:
            pass


def start(folder: str, job: "dict[str, Any]", t0_s: float) -> int:
    """Start xl with its output in files; return its process id."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.fork()
    if pid:
        return pid
    null = os.open(os.devnull, os.O_RDONLY)
    out = [os.open(os.path.join(folder, name), flags, 0o600) for name in ("xl.out", "xl.err")]
    for at, fd in enumerate([null, *out]):
        os.dup2(fd, at)
    os.closerange(3, 64)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    argv, env = job["argv"], job["env"]
    environment = dict(os.environ, XLKIT_T0=repr(t0_s), XLKIT_RUN=folder)
    environment.update(env)
    try:
        os.execvpe(argv[0], argv, environment)
    except OSError as error:
        os.write(2, f"xlkit: {argv[0]}: {error}\n".encode())
    os._exit(127)


def follow(folder: str, pid: int, events: Events) -> int:
    """Turn each whole line of xl's into an event until xl ends; return its exit status."""
    fd = os.open(os.path.join(folder, "xl.err"), os.O_RDONLY | os.O_CREAT, 0o600)
    rest, status = b"", None
    while True:
        if status is None:
            ended, code = os.waitpid(pid, os.WNOHANG)
            status = code if ended else None
        data = os.read(fd, 1 << 16)
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            events.write("text", line=line.decode("utf-8", "replace"))
        if not data and status is not None:
            break
        if not data:
            time.sleep(POLL_S)
    if rest:
        events.write("text", line=rest.decode("utf-8", "replace"))
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def main(folder: str) -> int:
    """Start, go on in the background, and write the end."""
    with open(os.path.join(folder, "job.json")) as file:
        job = json.load(file)
    if os.fork():
        return 0
    os.setsid()
    t0_s = time.monotonic()
    events = Events(folder, t0_s)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(null, fd)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    pid = start(folder, job, t0_s)
    with open(os.path.join(folder, "pid"), "w") as file:
        file.write(f"{pid}\n")
    events.write("launched", pid=pid, argv=job["argv"])
    events.write("xl-exited", status=follow(folder, pid, events))
    return 0


if __name__ == "__main__":
    os._exit(main(sys.argv[1]))
