"""The grid of thresholds, and what was decided on it as a table."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from xlkit.model import Decision, Knowledge, Run, StopReason
from xlkit.policies import ThresholdPolicy
from xlkit.replays._outcome import Replay

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    Counts = npt.NDArray[np.int64]
    Flags = npt.NDArray[np.bool_]
    Values = npt.NDArray[np.float64]

RANGES: Final = ("iteration", "precopy_s", "precopy_bytes", "final_pages")
_KINDS: Final = {"decision": Decision, "stop_reason": StopReason, "final_pages_knowledge": Knowledge}
_DTYPES: Final = {
    "decision": "category",
    "stop_reason": "category",
    "iteration": "Int64",
    "before_pass": "boolean",
    "live_passes": "Int64",
    "final_pages": "Int64",
    "final_pages_knowledge": "category",
    "precopy_s": "Float64",
    "precopy_bytes": "Int64",
    "saved_s": "Float64",
    "saved_bytes": "Int64",
    "censored": "boolean",
}


@dataclass(frozen=True, slots=True)
class Grid:
    """Every pair of the two knobs, `max_iters` fastest."""

    least_pages: "Counts"
    most_passes: "Counts"

    @classmethod
    def of(cls, min_remaining: Iterable[int], max_iters: Iterable[int]) -> "Grid":
        """Check the knobs and pair them."""
        import numpy as np

        least = np.array([ThresholdPolicy(min_remaining=value).min_remaining for value in min_remaining], np.int64)
        most = np.array([ThresholdPolicy(max_iters=value).max_iters for value in max_iters], np.int64)
        return cls(np.repeat(least, most.size), np.tile(most, least.size))

    def __getitem__(self, cells: Any) -> "Grid":
        """Check the knobs and pair them."""
        return Grid(self.least_pages[cells], self.most_passes[cells])

    def calls(self, dirty_pages: Sequence[int], numbers: Sequence[int]) -> "tuple[Counts, Flags]":
        """Find the call at which each policy stops, past the last one where it does not, and whether by few pages."""
        import numpy as np

        dirty = np.minimum.accumulate(np.array(dirty_pages, np.int64))
        asked = np.maximum.accumulate(np.array([(one, one + 1) for one in numbers], np.int64).ravel())
        few_at = 2 * np.searchsorted(-dirty, -self.least_pages, side="right")
        many_at = np.searchsorted(asked, self.most_passes, side="left")
        return np.minimum(few_at, many_at), few_at <= many_at


@dataclass(slots=True)
class Decided:
    """One run under the grid: which row each policy gets, and the ranges of those cells that are censored."""

    rows: list[Replay]
    row_of: "Counts"
    cells: "Counts"
    ranges: "dict[str, Values]"


def table(runs: Sequence[Run], grid: Grid, decided: Sequence[Decided]) -> "pd.DataFrame":
    """Put together what was decided of each run."""
    import numpy as np
    import pandas as pd

    n_cells = grid.least_pages.size
    rows = list(chain.from_iterable(one.rows for one in decided))
    first_row = np.cumsum([0, *(len(one.rows) for one in decided)])[:-1]
    row_of = np.concatenate([first + one.row_of for first, one in zip(first_row, decided, strict=True)] or [first_row])
    columns: dict[str, Any] = {
        "run_id": pd.Categorical([run.run_id for run in runs]).take(np.repeat(np.arange(len(runs)), n_cells)),
        "min_remaining": np.tile(grid.least_pages, len(runs)),
        "max_iters": np.tile(grid.most_passes, len(runs)),
    }
    for name in _DTYPES:
        values = [getattr(row, name) for row in rows]
        columns[name] = _column(name, values).take(row_of)
    for name in RANGES:
        for bound in ("low", "high"):
            columns[f"{name}_{bound}"] = _range_column(f"{name}_{bound}", decided, n_cells)
    return pd.DataFrame(columns, copy=False)


def _column(name: str, values: list[Any]) -> Any:
    import pandas as pd

    if name in _KINDS:
        texts = [None if value is None else str(value) for value in values]
        return pd.Categorical(texts, categories=[str(one) for one in _KINDS[name]])
    return pd.array(values, dtype=_DTYPES[name])  # type: ignore[call-overload] # a name that is known


def _range_column(name: str, decided: Sequence[Decided], n_cells: int) -> Any:
    import numpy as np
    import pandas as pd

    values = np.full(len(decided) * n_cells, np.nan)
    for number, one in enumerate(decided):
        if one.cells.size:
            values[number * n_cells + one.cells] = one.ranges[name]
    unknown = np.isnan(values)
    if name.startswith(("iteration", "final_pages")):
        return pd.arrays.IntegerArray(np.where(unknown, 0, values).astype(np.int64), unknown)
    return pd.arrays.FloatingArray(values, unknown)
