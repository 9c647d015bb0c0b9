"""A small migration that a test can hold at a point, and look at from outside."""

import os
import queue
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from xlkit.backends.local import LocalBackend
from xlkit.engine.channel import Channel, pair
from xlkit.engine.receiver import serve
from xlkit.engine.workload import Uniform
from xlkit.model import Iteration, Migration, RunStop, Side
from xlkit.policies import ThresholdPolicy

MIGRATION = Migration("guest", "destination")
POLICY = ThresholdPolicy(min_remaining=1, max_iters=2)


class Scene:
    """A backend whose migrator is held at some points, once each, while something else happens."""

    def __init__(self, acts: dict[str, Callable[["Scene"], object]] | None = None, **settings: object) -> None:
        self._acts = dict(acts or {})
        self.reached: list[str] = []
        self.seen_pids: set[int] = set()
        options = {"memory": "16MiB", "workload": Uniform(rate_pages_s=20_000), **settings}
        self.backend = LocalBackend(at_point=self._hold, **options)

    def _hold(self, point: str) -> None:
        self.reached.append(point)
        if point != "ordered":
            self.seen_pids |= self.pids
        self._acts.pop(point, lambda _: None)(self)

    @property
    def pids(self) -> set[int]:
        household = self.backend._household
        pids = {one.pid for one in self.backend.guests()} | {self.migrator_pid, household.receiver_pid}
        return {pid for pid in pids if pid is not None}

    @property
    def migrator_pid(self) -> int | None:
        migrator = self.backend._household.migrator
        return None if migrator is None else migrator.pid

    def kill_migrator(self) -> None:
        kill(self.migrator_pid)

    def kill_receiver(self) -> None:
        kill(self.backend._household.receiver_pid)

    def migrate(self) -> list[Iteration | RunStop]:
        return list(self.backend.migrate(MIGRATION, POLICY))

    def sides(self) -> list[Side]:
        """Where a guest works: state says so, and steps are being taken."""
        return [one.side for one in self.backend.guests() if one.running and works(one.pid)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.seen_pids |= self.pids
        self.backend.close()


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    fd = os.pidfd_open(pid)
    try:
        assert select.select([fd], [], [], 10)[0]
    finally:
        os.close(fd)


def works(pid: int) -> bool:
    """Whether a process gets processor time, which a suspended or stopped guest does not."""
    before, deadline_s = _switches(pid), time.monotonic() + 5
    while time.monotonic() < deadline_s:
        if _switches(pid) > before + 3:
            return True
        time.sleep(0.002)
    return False


def alive(pids: set[int]) -> set[int]:
    """Those of some processes that still live; one that only waits to be reaped does not."""
    return {pid for pid in pids if _state(pid) not in ("", "Z", "X")}


def gone(pids: set[int]) -> bool:
    """Whether processes end within a moment."""
    deadline_s = time.monotonic() + 5
    while alive(pids) and time.monotonic() < deadline_s:
        time.sleep(0.002)
    return not alive(pids)


def open_fds() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _switches(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)


@contextmanager
def listening(**settings: object) -> Iterator[tuple[str, int]]:
    """A receiver in a thread of this process; its guests are processes of their own."""
    ours, theirs = pair()
    addresses = queue.SimpleQueue()
    lifeline = Channel(theirs)
    options = {"lifeline": lifeline, "announce": lambda *address: addresses.put(address), **settings}
    thread = threading.Thread(target=serve, kwargs=options, name="receiver")
    thread.start()
    try:
        yield addresses.get(timeout=10)
    finally:
        ours.close()
        thread.join()
        lifeline.close()


class Proxy:
    """A stretch of network between sender and receiver that can lose answers, be cut, and be mended again."""

    def __init__(self, port: int) -> None:
        self._port, self._cut = port, False
        self._muted, self._lost = threading.Event(), threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self._open: list[socket.socket] = []
        self._closing = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def cut(self) -> None:
        """Break what is open; whoever connects from now on is let in and dropped."""
        self._cut = True
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def mute(self) -> None:
        """Lose what the receiver answers from now on."""
        self._muted.set()

    def cut_after_the_answer(self) -> None:
        """Wait until an answer was lost, then cut."""
        assert self._lost.wait(10)
        self.cut()

    def mend(self) -> None:
        self._cut = False
        self._muted.clear()

    def close(self) -> None:
        self.cut()
        self._closing.set()
        for thread in self._threads:
            thread.join()
        self._listener.close()
        for sock in self._open:
            sock.close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                near, _ = self._listener.accept()
            except TimeoutError:
                continue
            if self._cut:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self._port))
            self._open += [near, far]
            for source, sink, muted in ((near, far, None), (far, near, self._muted)):
                thread = threading.Thread(target=self._carry, args=(source, sink, muted))
                self._threads.append(thread)
                thread.start()

    def _carry(self, source: socket.socket, sink: socket.socket, muted: threading.Event | None) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if muted is not None and muted.is_set():
                    self._lost.set()
                else:
                    sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)
