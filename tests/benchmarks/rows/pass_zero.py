"""Pass 0 of a real migration, guest running and tracked, against a C stream of as many bytes."""

from collections.abc import Sequence

from tests.benchmarks.control import control
from tests.benchmarks.live import migrate
from tests.benchmarks.table import Row
from xlkit.engine.workload import Uniform

SIZE_MIB = 1024
WORKLOAD = Uniform(rate_pages_s=10_000)


def _ratios(pairs: int) -> Sequence[float]:
    with control(SIZE_MIB) as c:
        return [
            migrate(memory=f"{SIZE_MIB}MiB", workload=WORKLOAD).first_pass_gib_s / c.gib_s("stream reno")
            for _ in range(pairs)
        ]


ROWS = (
    Row(
        name="pass_zero",
        what="pass 0 of a 1 GiB guest, no rate limit / C loopback stream",
        at_least=0.80,
        measure=_ratios,
    ),
)
