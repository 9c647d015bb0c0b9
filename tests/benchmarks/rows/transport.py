"""Pages of a 1 GiB guest against a C stream of 1 GiB that places its bytes."""

from collections.abc import Sequence

import numpy as np

from tests.benchmarks.control import Control, control
from tests.benchmarks.rig import Rig, rig
from tests.benchmarks.table import Row
from xlkit.engine.runs import Runs, all_runs
from xlkit.units import PAGE_BYTES

SIZE_BYTES = 1 << 30
WHOLE = all_runs(SIZE_BYTES // PAGE_BYTES)
# Every other page: no two neighbours, as many runs as there can be.
SCATTERED = np.arange(SIZE_BYTES // PAGE_BYTES, dtype=np.int64).reshape(-1, 2)


def _ratios(form: str, runs: Runs, pairs: int) -> Sequence[float]:
    with control(SIZE_BYTES >> 20) as c, rig(SIZE_BYTES) as python:
        python.gib_s(form, runs)
        return [_ratio(c, python, form, runs, pair) for pair in range(pairs)]


def _ratio(c: Control, python: Rig, form: str, runs: Runs, pair: int) -> float:
    # Every other pair the other way round: neither gains by going first.
    if pair % 2:
        mine_gib_s = python.gib_s(form, runs)
        return mine_gib_s / c.gib_s("stream reno")
    yardstick_gib_s = c.gib_s("stream reno")
    return python.gib_s(form, runs) / yardstick_gib_s


ROWS = (
    Row(
        name="pages",
        what="all pages of 1 GiB, transport alone, no rate limit / C loopback stream",
        measure=lambda pairs: _ratios("vectored", WHOLE, pairs),
    ),
    Row(
        name="scattered",
        what="scattered single pages / C loopback stream",
        at_least=0.60,
        measure=lambda pairs: _ratios("vectored", SCATTERED, pairs),
    ),
    Row(
        name="portable",
        what="all pages, portable transport / C loopback stream",
        at_least=0.50,
        measure=lambda pairs: _ratios("portable", WHOLE, pairs),
    ),
    Row(
        name="portable_scattered",
        what="scattered single pages, portable transport / C loopback stream",
        measure=lambda pairs: _ratios("portable", SCATTERED, pairs),
    ),
)
