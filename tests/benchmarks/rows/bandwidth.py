"""A set bandwidth against the one that was had."""

from collections.abc import Sequence

from tests.benchmarks.rig import rig
from tests.benchmarks.table import Row
from xlkit.engine import transport
from xlkit.engine.pacing import TokenBucket
from xlkit.engine.runs import all_runs
from xlkit.units import PAGE_BYTES

SIZE_BYTES = 256 << 20
PASS_S = 0.4
GBIT_S = (0.1, 0.3, 1.0, 2.0, 4.0)


def _errors(pairs: int) -> Sequence[float]:
    form, errors = transport.choose(), []
    with rig(SIZE_BYTES) as python:
        for bytes_s in [gbit_s * 1e9 / 8 for gbit_s in GBIT_S] * max(1, pairs // len(GBIT_S)):
            n_pages = int(bytes_s * PASS_S) // PAGE_BYTES
            took_s = python.send_s(form, all_runs(n_pages), TokenBucket(bytes_s))
            errors.append(abs(n_pages * PAGE_BYTES / took_s / bytes_s - 1))
    return errors


ROWS = (
    Row(name="bandwidth", what="set bandwidth against measured, 0.1 to 4 Gbit/s, error", at_most=0.01, measure=_errors),
)
