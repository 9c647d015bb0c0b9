"""What `import xlkit` costs over a bare start of the interpreter, and what it must not pull in."""

import subprocess
import sys
import time
from collections.abc import Sequence

from tests.benchmarks.table import Row

HEAVY = ("anywidget", "ipywidgets", "numpy", "pandas", "paramiko", "plotly", "pyarrow")
_CHECK = f"import sys, xlkit; sys.exit(', '.join(set(sys.modules) & set({HEAVY!r})) or 0)"


def _start_s(code: str) -> float:
    begun_s = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - begun_s


def _extra_ms(pairs: int) -> Sequence[float]:
    _start_s(_CHECK)
    return [(_start_s("import xlkit") - _start_s("")) * 1e3 for _ in range(pairs)]


ROWS = (Row(name="import", what="`import xlkit` over a bare interpreter start [ms]", at_most=60, measure=_extra_ms),)
