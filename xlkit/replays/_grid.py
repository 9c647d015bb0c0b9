"""Many runs under a grid of thresholds, decided with arrays."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from xlkit.model import Decision, PrecopyStats, Run, StopReason
from xlkit.policies import XEN_MAX_ITERS, XEN_MIN_REMAINING, ThresholdPolicy
from xlkit.replays._course import MOST_PASSES, Courses, Step
from xlkit.replays._outcome import Replay, censored, ended
from xlkit.replays._record import Hand, Record
from xlkit.replays._replay import follow, replay
from xlkit.replays._table import RANGES, Decided, Grid, table

if TYPE_CHECKING:
    import pandas as pd

    from xlkit.replays._table import Counts, Flags, Values


def replay_grid(
    runs: Run | Iterable[Run],
    min_remaining: Iterable[int] = (XEN_MIN_REMAINING,),
    max_iters: Iterable[int] = (XEN_MAX_ITERS,),
    *,
    operator: bool = True,
) -> "pd.DataFrame":
    """Tell how recorded runs would have ended under each `ThresholdPolicy` of a grid.

    Every row equals that of `replay` under that policy, but the grid is decided with arrays.

    Parameters
    ----------
    runs : Run or iterable of Run
        A run, a list of them, or a store.
    min_remaining : iterable of int, default (50,)
        Values of the first knob [page of 4096 B]; each 0 asks for the default.
    max_iters : iterable of int, default (5,)
        Values of the second knob; each 0 asks for the default.
    operator : bool, default True
        Whether the operator does again what is recorded.

    Returns
    -------
    pandas.DataFrame
        One row a run and policy, in the order of the runs, then of `min_remaining`, `max_iters` fastest; what is not
        known is ``<NA>``. Columns:

        run_id, min_remaining, max_iters
            Which run, under which policy ([page] for the first knob).
        decision, stop_reason, iteration, before_pass, live_passes
            How precopy ends, as in `Replay`.
        final_pages, final_pages_knowledge
            Set of the blackout as far as the record tells [page], and how well it is known.
        precopy_s, precopy_bytes, saved_s, saved_bytes
            Until precopy ends, and against the recorded run [s], [B].
        censored
            Whether the record ends before the policy does.
        iteration_low, iteration_high, precopy_s_low, precopy_s_high, precopy_bytes_low, precopy_bytes_high,
        final_pages_low, final_pages_high
            Where censored, the modelled ranges of `Beyond`, in the same units.

    Raises
    ------
    InvalidValueError
        If a knob is out of range, something is no run, or an operator changed to a policy that cannot decide.

    See Also
    --------
    replay : One run under any policy.

    Examples
    --------
    >>> len(replay_grid([], min_remaining=[50, 500], max_iters=range(1, 31)))
    0
    """
    runs = [runs] if isinstance(runs, Run) else list(runs)
    grid = Grid.of(min_remaining, max_iters)
    return table(runs, grid, [_decide(run, grid, operator=operator) for run in runs])


class _Onward:
    """Never stops."""

    name = "onward"

    def decide(self, stats: PrecopyStats) -> Decision:  # noqa: ARG002 - the protocol's signature
        return Decision.CONTINUE


def _decide(run: Run, grid: Grid, *, operator: bool) -> Decided:
    import numpy as np

    record, hand = Record(run), Hand(_Onward(), run.controls if operator else ())
    calls = record.calls()
    taken_over = (n for n, one in enumerate(calls) if hand.acts_at(one.stats.iteration, before_pass=one.before_pass))
    limit = next(taken_over, len(calls))
    passes = record.answerable
    stops_at, few = grid.calls([one.dirty_pages or 0 for one in passes], [one.iteration for one in passes])
    kept = stops_at < limit
    keys, row_of = _distinct(np.where(kept, 2 * stops_at + few, -1), most=4 * len(passes) + 2)
    decided = Decided([], row_of, np.zeros(0, np.int64), {})
    for key in keys:
        if key < 0:
            decided.rows.append(_rest(record, hand, grid, decided, np.flatnonzero(~kept), operator=operator))
        else:
            reason = StopReason.MIN_REMAINING if key % 2 else StopReason.MAX_ITERS
            decided.rows.append(ended(record, None, key // 2, Decision.STOP_AND_COPY, reason, operator=operator))
    _take_own(record, grid, decided, kept, operator=operator)
    return decided


def _distinct(keys: "Counts", *, most: int) -> "tuple[list[int], Counts]":
    """List the keys that occur, from -1 to below `most`, and the place of each in that list."""
    import numpy as np

    occurs = np.zeros(most + 1, np.int64)
    occurs[keys + 1] = 1
    return (np.flatnonzero(occurs) - 1).tolist(), (np.cumsum(occurs) - 1)[keys + 1]


def _rest(record: Record, hand: Hand, grid: Grid, decided: Decided, cells: "Counts", *, operator: bool) -> Replay:
    """Give the row of the policies that had not stopped: what the operator did, how the run ended, or the models."""
    import numpy as np

    row = follow(record, None, hand, operator=operator)
    if row is not None:
        return row
    decided.cells = cells
    courses = Courses(record) if record.answerable else None
    if courses is None:
        decided.cells = cells[:0]
    elif isinstance(hand.policy, _Onward):
        decided.ranges = _ranges(courses, grid[cells])
    else:
        beyond = courses.beyond(hand.policy)
        for name in RANGES:
            for bound, value in zip(("low", "high"), getattr(beyond, name), strict=True):
                decided.ranges[f"{name}_{bound}"] = np.full(cells.size, np.nan if value is None else value)
    return censored(record, None, None)


def _take_own(record: Record, grid: Grid, decided: Decided, kept: "Flags", *, operator: bool) -> None:
    """Give the run's own policy the recorded end where only the record knows it."""
    import numpy as np

    own = record.run.start.policy
    if not isinstance(own, ThresholdPolicy):
        return
    same = ~kept & (grid.least_pages == own.min_remaining) & (grid.most_passes == own.max_iters)
    if not same.any():
        return
    row = replay(record.run, own, operator=operator)
    if not row.censored:
        stays = ~same[decided.cells]
        decided.cells = decided.cells[stays]
        decided.ranges = {name: values[stays] for name, values in decided.ranges.items()}
        decided.row_of = np.where(same, len(decided.rows), decided.row_of)
        decided.rows.append(row)


def _ranges(courses: Courses, grid: Grid) -> "dict[str, Values]":
    import numpy as np

    ends = [_ends(courses, grid, favourable=favourable) for favourable in (True, False)]
    endless = np.isnan(ends[0]["end"]) | np.isnan(ends[1]["end"])
    ranges = {}
    for name in RANGES:
        high = np.maximum(ends[0][name], ends[1][name])
        ranges[f"{name}_low"] = np.minimum(ends[0][name], ends[1][name])
        ranges[f"{name}_high"] = high if name == "final_pages" else np.where(endless, np.nan, high)
    return ranges


def _ends(courses: Courses, grid: Grid, *, favourable: bool) -> "dict[str, Values]":
    import numpy as np

    steps = _steps(courses, grid, favourable=favourable)
    stops_at, _ = grid.calls([one.dirty_pages for one in steps], [one.iteration for one in steps])
    at = np.minimum(stops_at, 2 * len(steps) - 1)
    step_at = at // 2
    return {
        "end": np.where(stops_at < 2 * len(steps), 0.0, np.nan),
        "iteration": (courses.first_number + step_at + at % 2).astype(np.float64),
        **{
            field: np.array([getattr(one, name) for one in steps], np.float64)[step_at]
            for field, name in (("precopy_s", "ended_s"), ("precopy_bytes",) * 2, ("final_pages",) * 2)
        },
    }


def _steps(courses: Courses, grid: Grid, *, favourable: bool) -> list[Step]:
    """Go on as far as the most patient policy."""
    least, most, steps = int(grid.least_pages.min()), int(grid.most_passes.max()), []
    for step in courses.steps(favourable=favourable):
        steps.append(step)
        if step.dirty_pages < least or step.iteration + 1 >= most or len(steps) == MOST_PASSES:
            break
    return steps
