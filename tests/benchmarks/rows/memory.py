"""Memory of the migrating process beyond the guest's."""

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.live import migrate
from tests.benchmarks.table import Row, Skipped
from xlkit.engine.workload import Uniform

WORKLOAD = Uniform(rate_pages_s=100_000)
_MIGRATOR = b"xlkit.backends.migrator"
_EVERY_S = 0.002


def _peak_mib(_: int) -> Sequence[float]:
    if not Path("/proc/self/status").exists():
        raise Skipped("this system does not tell a process's memory in /proc")
    peak, over = [0.0], threading.Event()
    watch = threading.Thread(target=_watch, args=(peak, over))
    watch.start()
    try:
        migrate(memory="4GiB", workload=WORKLOAD, verify=None)
    finally:
        over.set()
        watch.join()
    return peak


def _watch(peak: list[float], over: threading.Event) -> None:
    seen: int | None = None
    while not over.wait(_EVERY_S):
        seen = seen or next(_migrators(), None)
        if seen is not None:
            peak[0] = max(peak[0], _own_mib(seen))


def _migrators() -> Iterator[int]:
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    for pid in children.read_text(encoding="ascii").split():
        with contextlib.suppress(OSError):
            if _MIGRATOR in Path(f"/proc/{pid}/cmdline").read_bytes():
                yield int(pid)


def _own_mib(pid: int) -> float:
    """Tell what a process holds besides shared memory, which is the guest [MiB]."""
    with contextlib.suppress(OSError):
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines())
        if "RssAnon" in fields:
            return sum(int(fields[name].split()[0]) for name in ("RssAnon", "RssFile")) / 1024
    return 0.0


ROWS = (
    Row(
        name="memory",
        what="memory of the migrating process beyond the guest's, 4 GiB guest [MiB]",
        at_most=64,
        measure=_peak_mib,
    ),
)
