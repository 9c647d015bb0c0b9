"""Sets that were read off recorded runs, each with the window in which it was dirtied."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from xlkit.model import Phase, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A set that was read once, and the window in which it was dirtied.

    Parameters
    ----------
    run_id : str
        Which run it is from.
    iteration : int
        Number of the pass that set out to send it.
    phase : Phase
        Whether the guest ran when it was sent; the set of the blackout was dirtied while the guest ran, too.
    window_s : float
        From the collection before to this one, by the clock of the run [s].
    dirty_pages : int
        Distinct pages dirtied in that window [page of 4096 B].
    ended_s : float
        End of the window, since the start of the run [s].
    """

    run_id: str
    iteration: int
    phase: Phase
    window_s: float
    dirty_pages: int
    ended_s: float


def observed(runs: Run | Iterable[Run]) -> list[Observed]:
    """Read off recorded runs how many pages were dirtied in which window.

    Parameters
    ----------
    runs : Run or iterable of Run
        One run or many, or a store.

    Returns
    -------
    list of Observed
        In the order of the runs and their passes. Pass 0 is none of them, as its set is the whole memory; a pass whose
        set or window is not known is left out, too: it follows one that was not recorded, or its time did not grow.
    """
    runs = [runs] if isinstance(runs, Run) else runs
    return [
        Observed(
            run_id=run.run_id,
            iteration=now.iteration,
            phase=now.phase,
            window_s=now.collected_s - last.collected_s,
            dirty_pages=now.dirty_pages,
            ended_s=now.collected_s,
        )
        for run in runs
        for last, now in pairwise(run.iterations)
        if now.dirty_pages is not None and now.iteration <= last.iteration + 1 and now.collected_s > last.collected_s
    ]
