"""The figure of a thousand runs over one another: how long until it is built."""

import time
from collections.abc import Sequence

from tests.benchmarks.many import many_runs
from tests.benchmarks.table import Row
from xlkit.views import plot_compare

RUNS = 1000


def _slowest_s(pairs: int) -> Sequence[float]:
    runs = list(many_runs(RUNS))
    plot_compare(runs[:3])
    return [max(_built_s(runs, align) for align in ("iteration", "time", "bytes")) for _ in range(max(1, pairs))]


def _built_s(runs: list[object], align: str) -> float:
    begun_s = time.perf_counter()
    plot_compare(runs, align=align)
    return time.perf_counter() - begun_s


ROWS = (Row(name="overlay", what=f"{RUNS} runs over one another in a figure [s]", at_most=1.0, measure=_slowest_s),)
