"""sweep(): an experiment from its first run, or from where it ended, to its last."""

import time
from collections.abc import Callable, Mapping
from itertools import groupby

from xlkit.errors import InvalidValueError, PreflightError
from xlkit.experiments._bar import bar_of
from xlkit.experiments._ledger import Ledger, attempt_of, read_ledger
from xlkit.experiments._performing import Parallel, Performer, Serial
from xlkit.experiments._plan import MakeBackend, Plan, Planned
from xlkit.experiments._result import Progress, SweepResult
from xlkit.experiments._whereabouts import Whereabouts
from xlkit.model import Origin, Run
from xlkit.store import RunStore
from xlkit.units import whole_number

_TRIES = 2


def sweep(
    plan: Plan,
    backends: Mapping[str, MakeBackend],
    *,
    store: RunStore | None = None,
    jobs: int = 1,
    progress: Callable[[Progress], None] | None = None,
    go_on: bool = False,
    guest_at: str | None = None,
) -> SweepResult:
    """Run an experiment, or what is left of it.

    Runs are made block by block (`Plan.order`) and recorded with labels, so that the same call goes on after a crash or
    Ctrl-C: completed runs are not repeated, one that was cut off is kept and done again. What fails is tried once more
    at the end of its block; a cell that fails twice is given up, and the others go on. `Budget` tells when no further
    run is begun.

    Parameters
    ----------
    plan : Plan
        What to run.
    backends : mapping of str to callable
        For each workload of the plan what makes a fresh backend, called with ``seed=`` before each run, and closed
        after it. `Maker.for_plan` makes them from the plan's settings.
    store : RunStore or None, default None
        Where the runs are recorded; None is the default store.
    jobs : int, default 1
        How many processes simulate at once. The runs are those of one process; measured ones are refused.
    progress : callable, optional
        Hears a `Progress` before each run and at the end. When not given, a bar with the time left is drawn in a
        notebook and on a terminal.
    go_on : bool, default False
        Whether to go on under a plan that changed; runs of cells that did not change count.
    guest_at : str, optional
        Host where a guest that outlives its migrations runs now; as the latest run of the experiment tells when not
        given.

    Returns
    -------
    SweepResult
        The runs of all sittings, and how the experiment ended.

    Raises
    ------
    InvalidValueError
        If a workload has no backend, or the plan changed under its name.
    PreflightError
        If another process runs this experiment, or a guest that outlives its migrations cannot be migrated.
    UndefinedOutcomeError
        If a run does not tell where the guest runs: nothing further is begun, look at both hosts.
    KeyboardInterrupt
        After Ctrl-C: the run that was going on was aborted and recorded.

    Notes
    -----
    Where the backend's migrations can be attached to, the guest is there before and after them: such a guest goes to
    and fro, each run from the host where the one before left it.

    Examples
    --------
    >>> import tempfile
    >>> from functools import partial
    >>> from xlkit.backends.sim import SimBackend
    >>> plan = Plan(name="demo", policies=Plan.grid([50, 5_000], [30]), workloads=["steady"], repetitions=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sweep(plan, {"steady": partial(SimBackend, noise=0.05)}, store=RunStore(folder))
    <SweepResult demo: 4 runs, 0 failed; complete>
    """
    workloads = set(plan.workloads)
    if missing := sorted(workloads - backends.keys()):
        raise InvalidValueError(f"The workload {missing[0]} has no backend; backends must have {sorted(workloads)}.")
    store = RunStore() if store is None else store
    ledger, latest = read_ledger(plan, store, go_on=go_on)
    where = Whereabouts(plan.migration, latest, guest_at)
    used = {name: backends[name] for name in workloads}
    several = whole_number("jobs", jobs) > 1
    performer = Parallel(plan, used, store, jobs) if several else Serial(plan, used, store, where)
    sitting = _Sitting(plan, ledger, performer, where, progress or bar_of(plan.name))
    try:
        return _result(plan, ledger, store, sitting.sit())
    finally:
        performer.close()


class _Sitting:
    """One call of `sweep`."""

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        performer: Performer,
        where: Whereabouts,
        tell: Callable[[Progress], None],
    ) -> None:
        self._plan, self._ledger, self._performer, self._where, self._tell = plan, ledger, performer, where, tell
        self._order = plan.order()
        self._begun_s = time.monotonic()
        self._settles = False

    def sit(self) -> str:
        """Make the runs that are due; say which budget ended it, if one did."""
        why = ""
        for _, block in groupby(self._order, key=lambda planned: planned.repetition):
            planned = list(block)
            for _ in range(_TRIES):
                why = why or self._make([one for one in planned if self._ledger.is_due(one)])
        self._tell(self._progress(None))
        return why

    def _make(self, due: list[Planned]) -> str:
        self._performer.begin(due)
        for planned in due:
            if not self._ledger.is_due(planned):
                continue
            if why := self._ledger.refuses(planned, time.monotonic() - self._begun_s):
                return why
            self._tell(self._progress(planned))
            self._make_one(planned)
        return ""

    def _make_one(self, planned: Planned) -> None:
        try:
            run, took_s = self._performer.perform(planned, self._settle)
        except PreflightError:
            if self._performer.guest_outlives:
                raise
            self._ledger.refuse(planned.cell)
            return
        self._ledger.take(attempt_of(run), took_s)
        self._settles = run.start.origin is not Origin.SIMULATED
        self._where.take(run.start, run.stop)

    def _settle(self) -> None:
        if self._settles:
            time.sleep(self._plan.settle_s)

    def _progress(self, planned: Planned | None) -> Progress:
        due = [one for one in self._order if self._ledger.is_due(one)]
        done = sum(one.completed for one in self._ledger.attempts)
        return Progress(
            planned=planned,
            done=done,
            left=len(due),
            failed=len(self._ledger.attempts) - done,
            elapsed_s=time.monotonic() - self._begun_s,
            left_s=self._ledger.left_s(due),
            downtime_s=self._ledger.downtime_s,
        )


def _result(plan: Plan, ledger: Ledger, store: RunStore, why: str) -> SweepResult:
    place = {(one.cell.digest, one.repetition): at for at, one in enumerate(plan.order())}
    attempts = sorted(ledger.attempts, key=lambda one: place.get(one.key, len(place)))

    def read(*, completed: bool) -> tuple[Run, ...]:
        return tuple(store[one.start.run_id] for one in attempts if one.completed is completed)

    cells = plan.cells()
    return SweepResult(
        plan=plan,
        runs=read(completed=True),
        failed=read(completed=False),
        given_up=tuple(cell for cell in cells if ledger.is_given_up(cell)),
        tight=tuple(cell for cell in cells if ledger.is_tight(cell)),
        stopped_by=why,
    )
