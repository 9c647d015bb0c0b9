"""QEMU migrating a guest to itself on this machine, told pass by pass."""

import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.table import Skipped
from xlkit.engine import transport

PROGRAM = "qemu-system-x86_64"
_GUEST = Path(__file__).with_name("qemu_guest.s")
_PATIENCE_S = 60.0
# Its default of 300 ms would stop with hundreds of MiB left; 1 ms shows what QEMU can do.
_DOWNTIME_LIMIT_MS = 1
_BANDWIDTH_BYTES_S = 100 << 30


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a migration took: throughput of its first pass [GiB/s] and downtime [s]."""

    first_pass_gib_s: float
    downtime_s: float


class _Monitor:
    """The line of JSON that QEMU listens to, and the events it tells on it."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._lines = end.makefile("rb")
        self.events: list[dict[str, Any]] = []
        self._read()
        self.ask("qmp_capabilities")

    def ask(self, command: str, *, fd: int | None = None, **arguments: object) -> Any:
        line = json.dumps({"execute": command, "arguments": {k.replace("_", "-"): v for k, v in arguments.items()}})
        socket.send_fds(self._end, [line.encode()], [] if fd is None else [fd])
        while "return" not in (answer := self._read()):
            if "event" not in answer:
                raise RuntimeError(f"QEMU refused {command}: {answer}")
            self.events.append(answer)
        return answer["return"]

    def time_s(self, event: str, number: int = -1) -> float:
        times = [told["timestamp"] for told in self.events if told["event"] == event]
        return float(times[number]["seconds"] + times[number]["microseconds"] * 1e-6)

    def _read(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._lines.readline())
        return answer


def migrate(size_mib: int, writes_a_tick: int) -> Outcome:
    """Migrate a guest that writes so many pages every millisecond.

    Raises
    ------
    Skipped
        If QEMU or an assembler is not installed.
    """
    if missing := [tool for tool in (PROGRAM, "as", "ld") if shutil.which(tool) is None]:
        raise Skipped(f"{', '.join(missing)} not installed")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        kernel = _assemble(folder, size_mib, writes_a_tick)
        here, there = (stack.enter_context(end) for end in _connection())
        incoming = ["-incoming", f"fd:{there.fileno()}"]
        target = stack.enter_context(_qemu(folder / "target", kernel, size_mib, incoming, there.fileno()))
        source = stack.enter_context(_qemu(folder / "source", kernel, size_mib))
        _wait(lambda: b"F" in (folder / "source.said").read_bytes())
        for monitor in (source, target):
            monitor.ask("migrate-set-capabilities", capabilities=[{"capability": "events", "state": True}])
        source.ask("migrate-set-parameters", max_bandwidth=_BANDWIDTH_BYTES_S, downtime_limit=_DOWNTIME_LIMIT_MS)
        source.ask("getfd", fd=here.fileno(), fdname="link")
        here.close()
        there.close()
        source.ask("migrate", uri="fd:link")
        _wait(lambda: source.ask("query-migrate")["status"] == "completed")
        _wait(lambda: target.ask("query-status")["status"] == "running")
        first_pass_s = source.time_s("MIGRATION_PASS", 1) - source.time_s("MIGRATION_PASS", 0)
        downtime_s = target.time_s("RESUME") - source.time_s("STOP")
        return Outcome(first_pass_gib_s=size_mib / 1024 / first_pass_s, downtime_s=downtime_s)


def _assemble(folder: Path, size_mib: int, writes_a_tick: int) -> Path:
    symbols = ["--defsym", f"MIB={size_mib}", "--defsym", f"WRITES={writes_a_tick}"]
    part, kernel = folder / "guest.o", folder / "guest.bin"
    subprocess.run(["as", "--32", *symbols, "-o", str(part), str(_GUEST)], check=True)
    link = ["ld", "-m", "elf_i386", "-Ttext", "0x100000", "--oformat", "binary", "-o", str(kernel), str(part)]
    subprocess.run(link, check=True)
    return kernel


def _connection() -> tuple[socket.socket, socket.socket]:
    """Both ends of a loopback connection with the congestion control that the engine uses."""
    with socket.socket() as server:
        transport.tune(server)
        server.bind(("127.0.0.1", 0))
        server.listen()
        here = socket.socket()
        transport.tune(here)
        here.connect(server.getsockname())
        there, _ = server.accept()
        return here, there


@contextmanager
def _qemu(
    name: Path, kernel: Path, size_mib: int, more: list[str] | None = None, fd: int | None = None
) -> Iterator[_Monitor]:
    memory = f"memory-backend-ram,id=memory,size={size_mib}M,prealloc=on"
    mine, its = socket.socketpair()
    command = [
        *(PROGRAM, "-accel", "tcg", "-m", f"{size_mib}M", "-M", "pc,memory-backend=memory", "-object", memory),
        *("-nodefaults", "-display", "none", "-kernel", str(kernel), "-debugcon", f"file:{name}.said"),
        *("-chardev", f"socket,id=line,fd={its.fileno()}", "-mon", "chardev=line,mode=control", *(more or [])),
    ]
    with mine, its, subprocess.Popen(command, pass_fds=[n for n in (fd, its.fileno()) if n is not None]) as process:
        its.close()
        mine.settimeout(_PATIENCE_S)
        try:
            yield _Monitor(mine)
        finally:
            process.kill()


def _wait(until: Any) -> None:
    end_s = time.monotonic() + _PATIENCE_S
    while not until():
        if time.monotonic() > end_s:
            raise TimeoutError("QEMU did not get there in a minute.")
        time.sleep(0.02)
