"""A whole grid of policies over one simulated guest, decided at once."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from xlkit.backends._world import CLOCK_NAME, World
from xlkit.backends.sim import SimBackend
from xlkit.errors import InvalidValueError
from xlkit.model import Decision, PrecopyStats, StopReason
from xlkit.policies import XEN_MAX_ITERS, XEN_MIN_REMAINING, ThresholdPolicy
from xlkit.precopy import precopy

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_Ending = tuple[float, float, int, int]


def simulate_grid(
    backend: SimBackend,
    policies: Iterable[ThresholdPolicy] | None = None,
    *,
    min_remaining: Iterable[int] = (XEN_MIN_REMAINING,),
    max_iters: Iterable[int] = (XEN_MAX_ITERS,),
) -> "dict[str, npt.NDArray[Any]]":
    """Tell how a simulated migration ends under each policy of a grid.

    Until it stops, a policy does not change what happens. So the passes are simulated once, as far as the most patient
    policy goes, and the grid is decided with arrays; every number equals that of a migration of its own.

    Parameters
    ----------
    backend : SimBackend
        The guest and the link.
    policies : iterable of ThresholdPolicy, optional
        The grid; when not given, every pair of `min_remaining` and `max_iters`.
    min_remaining : iterable of int, default (50,)
        Values of the first knob [page of 4096 B]; each 0 asks for the default.
    max_iters : iterable of int, default (5,)
        Values of the second knob; each 0 asks for the default.

    Returns
    -------
    dict of str to numpy.ndarray
        Columns, one row a policy in the order of the grid, `max_iters` fastest: ``min_remaining`` [page],
        ``max_iters``, ``iteration`` (at which precopy stopped), ``stop_reason``, ``total_s`` [s], ``downtime_s`` [s],
        ``sent_pages`` (in all) [page] and ``final_pages`` (sent while the guest stood still) [page].

    Raises
    ------
    InvalidValueError
        If a policy is not a `ThresholdPolicy`, or a knob is out of range.

    See Also
    --------
    xlkit.policies.ThresholdPolicy : The rule that is tried.

    Examples
    --------
    >>> table = simulate_grid(SimBackend(), min_remaining=[50, 5_000], max_iters=[5, 30])
    >>> table["stop_reason"].tolist()
    ['max_iters', 'min_remaining', 'min_remaining', 'min_remaining']
    """
    import numpy as np

    least_pages, most_passes = _grid(min_remaining, max_iters) if policies is None else _knobs(policies)
    if not least_pages.size:
        return _columns(least_pages, most_passes, np.zeros(0, bool), np.zeros(0, np.int64), np.zeros((0, 4)))
    course = _Course(backend.world(), int(least_pages.min()), int(most_passes.max()))
    lowest_so_far = np.minimum.accumulate(course.dirty_pages)
    few_left_at = np.searchsorted(-lowest_so_far, -least_pages, side="right")
    few_left = few_left_at < most_passes
    iteration = np.where(few_left, few_left_at, most_passes)
    # A stop for few pages comes before a pass that is still sent, a stop for many passes after the last one.
    unasked, asked = (
        np.array(course.unasked)[iteration - 1 + few_left],
        np.array(course.asked)[iteration - 1 + few_left],
    )
    return _columns(least_pages, most_passes, few_left, iteration, np.where(few_left[:, None], unasked, asked))


class _Course:
    """A policy that watches: it goes on for as long as anyone would, and sees how a blackout after each pass ends."""

    def __init__(self, world: World, least_pages: int, most_passes: int) -> None:
        self._world, self._least_pages, self._most_passes = world, least_pages, most_passes
        self.dirty_pages: list[int] = []
        self.unasked: list[_Ending] = []
        self.asked: list[_Ending] = []
        for _ in precopy(world, world, self, world.clock, clock_name=CLOCK_NAME):
            pass

    def decide(self, stats: PrecopyStats) -> Decision:
        if stats.dirty_pages is not None:
            self._world.ask()
            self.dirty_pages.append(stats.dirty_pages)
            return Decision.CONTINUE
        # A policy that stopped before the pass is not asked after it: that blackout begins a moment earlier.
        self.unasked.append(_ending(self._world.fork(), stats.total_written_pages))
        self._world.ask()
        self.asked.append(_ending(self._world.fork(), stats.total_written_pages))
        over = self.dirty_pages[-1] < self._least_pages or stats.iteration >= self._most_passes
        return Decision.STOP_AND_COPY if over else Decision.CONTINUE


def _ending(world: World, sent_pages: int) -> _Ending:
    asked_s = world.clock()
    world.pause()
    dirty = world.collect_dirty()
    world.send(dirty, final=True)
    started_s = world.hand_over().started_s
    return started_s, started_s - asked_s, sent_pages + dirty.pages, dirty.pages


def _knobs(policies: Iterable[ThresholdPolicy]) -> "tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]":
    import numpy as np

    grid = list(policies)
    for policy in grid:
        if not isinstance(policy, ThresholdPolicy):
            raise InvalidValueError(f"A grid takes threshold policies only, not {policy!r}: migrate with it instead.")
    return np.array([one.min_remaining for one in grid], np.int64), np.array([one.max_iters for one in grid], np.int64)


def _grid(
    min_remaining: Iterable[int], max_iters: Iterable[int]
) -> "tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]":
    import numpy as np

    least_pages = np.array([ThresholdPolicy(min_remaining=value).min_remaining for value in min_remaining], np.int64)
    most_passes = np.array([ThresholdPolicy(max_iters=value).max_iters for value in max_iters], np.int64)
    return np.repeat(least_pages, most_passes.size), np.tile(most_passes, least_pages.size)


def _columns(
    least_pages: "npt.NDArray[np.int64]",
    most_passes: "npt.NDArray[np.int64]",
    few_left: "npt.NDArray[np.bool_]",
    iteration: "npt.NDArray[np.int64]",
    endings: "npt.NDArray[np.float64]",
) -> "dict[str, npt.NDArray[Any]]":
    import numpy as np

    return {
        "min_remaining": least_pages,
        "max_iters": most_passes,
        "iteration": iteration,
        "stop_reason": np.where(few_left, StopReason.MIN_REMAINING.value, StopReason.MAX_ITERS.value),
        "total_s": endings[:, 0],
        "downtime_s": endings[:, 1],
        "sent_pages": endings[:, 2].astype(np.int64),
        "final_pages": endings[:, 3].astype(np.int64),
    }
