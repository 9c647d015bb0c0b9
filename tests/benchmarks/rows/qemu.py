"""The engine against QEMU's own live migration of a guest that writes as much, under software emulation."""

import functools
from collections.abc import Sequence

from tests.benchmarks import qemu
from tests.benchmarks.live import Live, migrate
from tests.benchmarks.table import Row
from xlkit.engine.workload import Uniform

SIZE_MIB = 1024
WRITES_A_MS = 20


@functools.cache
def _pairs(pairs: int) -> Sequence[tuple[Live, qemu.Outcome]]:
    workload = Uniform(rate_pages_s=WRITES_A_MS * 1000)
    return [
        (migrate(memory=f"{SIZE_MIB}MiB", workload=workload), qemu.migrate(SIZE_MIB, WRITES_A_MS)) for _ in range(pairs)
    ]


def _throughput(pairs: int) -> Sequence[float]:
    return [live.first_pass_gib_s / other.first_pass_gib_s for live, other in _pairs(pairs)]


def _downtime(pairs: int) -> Sequence[float]:
    return [live.downtime_s / other.downtime_s for live, other in _pairs(pairs)]


ROWS = (
    Row(name="qemu_pass_zero", what="pass 0 / QEMU's first pass, throughput", at_least=2.0, measure=_throughput),
    Row(name="qemu_downtime", what="downtime / QEMU's, its limit set to 1 ms", at_most=0.5, measure=_downtime),
)
