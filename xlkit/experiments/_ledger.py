"""What an experiment has done and spent, read from the store and kept up to date."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev
from typing import Final

from xlkit.errors import InvalidValueError, PreflightError
from xlkit.experiments._plan import Cell, EarlyStop, Plan, Planned
from xlkit.model import Origin, Run, RunStart, RunStop, Status, StopReason
from xlkit.store import RunHead, RunStore
from xlkit.units import format_s

_MOST_FAILURES: Final = 2
_FAILED: Final = {Status.FAILED, Status.UNDEFINED}


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run of the experiment that was begun."""

    start: RunStart
    stop: RunStop

    @property
    def key(self) -> tuple[str, int]:
        return self.start.labels["cell_digest"], int(self.start.labels["repetition"])

    @property
    def completed(self) -> bool:
        return self.stop.status is Status.COMPLETED

    @property
    def failed(self) -> bool:
        """Whether the cell is to blame; one that somebody gave up, or that lost its watcher, is only done again."""
        by_policy = self.stop.status is Status.ABORTED and self.stop.stop_reason is not StopReason.ABORTED
        return self.stop.status in _FAILED or by_policy


class Ledger:
    """Knows which runs are due and which are affordable."""

    def __init__(self, plan: Plan, heads: Sequence[RunHead], *, go_on: bool) -> None:
        self._plan = plan
        self._cells = {cell.digest: cell for cell in plan.cells()}
        self._durations_s: dict[str, list[float]] = defaultdict(list)
        self._refused: dict[str, int] = defaultdict(int)
        self._tight: dict[tuple[str, int], bool] = {}
        self.attempts: list[Attempt] = []
        self._done: dict[str, dict[int, RunStop]] = defaultdict(dict)
        self._failures: dict[str, int] = defaultdict(int)
        own = [head for head in heads if head.start.labels.get("experiment") == plan.name]
        if not go_on:
            _refuse_changed(plan, own)
        for head in own:
            if head.stop.status is Status.RUNNING:
                raise PreflightError(
                    f"Run {head.run_id} of the experiment {plan.name} is going on in another process. Nothing was "
                    "started; end that one, or wait."
                )
            if head.start.labels.get("cell_digest") in self._cells:
                took_s = head.stop.ended_s if head.start.origin is Origin.MEASURED else None
                self.take(Attempt(head.start, head.stop), took_s)

    def take(self, attempt: Attempt, took_s: float | None) -> None:
        """Write a run down, and how long it took."""
        self.attempts.append(attempt)
        digest, repetition = attempt.key
        self._failures[digest] += attempt.failed
        if attempt.completed:
            self._done[digest][repetition] = attempt.stop
        if took_s is not None:
            self._durations_s[attempt.key[0]].append(took_s)

    def refuse(self, cell: Cell) -> None:
        """Write down that a run of a cell could not begin."""
        self._refused[cell.digest] += 1

    def is_due(self, planned: Planned) -> bool:
        """Tell whether a run is still to be done."""
        done = planned.repetition in self._done[planned.cell.digest]
        return not done and not self.is_given_up(planned.cell) and not self.is_tight(planned.cell)

    def is_given_up(self, cell: Cell) -> bool:
        """Tell whether a cell failed too often."""
        return self._failures[cell.digest] + self._refused[cell.digest] >= _MOST_FAILURES

    def is_tight(self, cell: Cell) -> bool:
        """Tell whether a cell has told enough."""
        if self._plan.early_stop is None:
            return False
        key = cell.digest, len(self._done[cell.digest])
        if key not in self._tight:
            stops = self._done[cell.digest].values()
            quantity = [one.downtime_s if self._plan.early_stop.of == "downtime_s" else one.ended_s for one in stops]
            self._tight[key] = tight([one for one in quantity if one is not None], self._plan.early_stop)
        return self._tight[key]

    def refuses(self, planned: Planned, elapsed_s: float) -> str:
        """Say which budget does not cover a run; empty when all do."""
        budget, digest = self._plan.budget, planned.cell.digest
        if budget.runs is not None and len(self.attempts) >= budget.runs:
            return f"The budget of {budget.runs} runs is used up."
        if budget.wall_s is not None:
            took_s = _worst(self._durations_s[digest]) or _worst(self._all_durations_s())
            if elapsed_s + self._plan.settle_s + (took_s or 0.0) > budget.wall_s or elapsed_s >= budget.wall_s:
                return f"What is left of {format_s(budget.wall_s)} does not cover a run of {planned.cell.name}."
        if budget.downtime_s is not None:
            spent_s = self.downtime_s
            if spent_s + self._expected_downtime_s(digest) > budget.downtime_s or spent_s >= budget.downtime_s:
                return (
                    f"What is left of {format_s(budget.downtime_s)} of downtime does not cover a run of "
                    f"{planned.cell.name}."
                )
        return ""

    @property
    def downtime_s(self) -> float:
        """How long the guest stood still [s]; a run that does not tell is charged the worst known."""
        known = [one.stop.downtime_s for one in self.attempts]
        unknown = sum(one is None for one in known)
        return sum(one for one in known if one is not None) + unknown * self._expected_downtime_s(None)

    def left_s(self, due: Sequence[Planned]) -> float | None:
        """Estimate how long runs will take [s]."""
        everything = self._all_durations_s()
        if not everything:
            return None if due else 0.0
        mean_s = fmean(everything)
        known = {digest: fmean(took) for digest, took in self._durations_s.items() if took}
        return sum(known.get(one.cell.digest, mean_s) + self._plan.settle_s for one in due)

    def _all_durations_s(self) -> list[float]:
        return [one for took in self._durations_s.values() for one in took]

    def _expected_downtime_s(self, digest: str | None) -> float:
        told = [(one.key[0], one.stop.downtime_s) for one in self.attempts if one.stop.downtime_s is not None]
        own = _worst([took_s for cell, took_s in told if cell == digest])
        if own is not None:
            return own
        return max(self._plan.budget.first_downtime_s or 0.0, *(took_s for _, took_s in told), 0.0)


def tight(values: Sequence[float], wanted: EarlyStop) -> bool:
    """Tell whether Student's t interval of the mean is narrow enough."""
    if len(values) < wanted.fewest:
        return False
    from scipy.stats import t

    half = float(t.ppf((1 + wanted.level) / 2, len(values) - 1)) * stdev(values) / sqrt(len(values))
    return half <= wanted.half_width * fmean(values)


def attempt_of(run: Run) -> Attempt:
    """Leave all but the ends of a run away."""
    return Attempt(run.start, run.stop)


def read_ledger(plan: Plan, store: RunStore, *, go_on: bool) -> tuple[Ledger, RunHead | None]:
    """Seal what a killed process left, and read what was done; also the latest run of the experiment."""
    store.recover()
    heads = store.heads()
    latest = [head for head in heads if head.start.labels.get("experiment") == plan.name]
    return Ledger(plan, heads, go_on=go_on), latest[-1] if latest else None


def _worst(values: Sequence[float]) -> float | None:
    return max(values, default=None)


def _refuse_changed(plan: Plan, own: Sequence[RunHead]) -> None:
    others = {head.start.labels.get("plan", "") for head in own} - {plan.digest}
    if others:
        raise InvalidValueError(
            f"The store holds runs of an experiment {plan.name} whose plan was another (digest "
            f"{', '.join(sorted(others))}, now {plan.digest}): its policies, workloads, migration, seed or settle time "
            "differ. Give the plan another name, or go on (go_on=True, --go-on): then only runs of cells that did not "
            "change count."
        )
