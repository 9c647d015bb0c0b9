"""Two processes and a socket: pages of a real memory from here to there, timed until they have arrived."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from xlkit.engine import transport
from xlkit.engine.memory import SharedMemory
from xlkit.engine.pacing import TokenBucket
from xlkit.engine.program import Program
from xlkit.engine.runs import Runs, count_pages
from xlkit.engine.workload import Idle
from xlkit.units import PAGE_BYTES

_READY, _ARRIVED = b"R", b"A"


class Rig:
    """A memory here and a receiver there.

    Parameters
    ----------
    memory : SharedMemory
        The source.
    place : tuple
        Where the receiver listens.
    """

    def __init__(self, memory: SharedMemory, place: tuple[str, int]) -> None:
        self.memory = memory
        self._place = place

    def send_s(self, form: str, runs: Runs, bucket: TokenBucket | None = None) -> float:
        """Send pages on a fresh connection; how long until they are there [s]."""
        with socket.socket() as link:
            transport.tune(link)
            link.connect(self._place)
            link.settimeout(20.0)
            link.sendall(form.ljust(16).encode() + len(runs).to_bytes(8, "little") + runs.tobytes())
            assert link.recv(1) == _READY
            begun_s = time.perf_counter()
            if bucket is not None:
                bucket.restart()
            # As a migration sends: somebody may ask for an abort at any time.
            transport.form(form).send_pages(link, self.memory.map, runs, bucket=bucket, interrupted=lambda: False)
            assert link.recv(1) == _ARRIVED
            return time.perf_counter() - begun_s

    def gib_s(self, form: str, runs: Runs) -> float:
        """Send pages on a fresh connection [GiB/s]."""
        return count_pages(runs) * PAGE_BYTES / self.send_s(form, runs) / 2**30


@contextmanager
def rig(size_bytes: int) -> Iterator[Rig]:
    """Start a receiver with as much memory as the source has."""
    with SharedMemory.create(size_bytes) as memory, socket.socket() as server:
        Program.install(memory.map, Idle(), seed=1)
        transport.tune(server)
        server.bind(("127.0.0.1", 0))
        server.listen()
        command = [sys.executable, "-m", __name__, str(server.fileno()), str(size_bytes)]
        with subprocess.Popen(command, pass_fds=[server.fileno()]) as process:
            try:
                yield Rig(memory, server.getsockname())
            finally:
                process.kill()


def _receive_for_ever(listening_fd: int, size_bytes: int) -> None:
    with SharedMemory.create(size_bytes) as memory, socket.socket(fileno=listening_fd) as server:
        memory.populate()
        while True:
            link, _ = server.accept()
            with link:
                form = link.recv(16, socket.MSG_WAITALL).decode().strip()
                n_bytes = int.from_bytes(link.recv(8, socket.MSG_WAITALL), "little") * 16
                table = link.recv(n_bytes, socket.MSG_WAITALL)
                link.sendall(_READY)
                runs = np.frombuffer(table, np.int64).reshape(-1, 2)
                transport.form(form).receive_pages(link, memory.map, runs)
                link.sendall(_ARRIVED)


if __name__ == "__main__":
    _receive_for_ever(int(sys.argv[1]), int(sys.argv[2]))
