"""How an experiment stands while it goes on, and what it gave."""

from collections.abc import Iterator
from dataclasses import dataclass

from xlkit.experiments._plan import Cell, Plan, Planned
from xlkit.model import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How an experiment stands before a run, and at its end.

    Parameters
    ----------
    planned : Planned or None
        The run that begins now; None at the end.
    done : int
        Completed runs.
    left : int
        Runs still to do, this one among them.
    failed : int
        Runs that failed, were aborted, or lost their watcher.
    elapsed_s : float
        Since this sitting began [s].
    left_s : float or None
        How long the rest will take, from the runs so far [s]; None while nothing is known.
    downtime_s : float
        How long the guest stood still so far, as it is charged to the budget [s].
    """

    planned: Planned | None
    done: int
    left: int
    failed: int
    elapsed_s: float
    left_s: float | None
    downtime_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepResult:
    """What an experiment gave; iterating gives its completed runs, so that every table and figure takes it.

    Parameters
    ----------
    plan : Plan
        What was asked.
    runs : tuple of Run
        The completed ones of all sittings, in the order of the plan.
    failed : tuple of Run
        Those that failed, were aborted, or lost their watcher.
    given_up : tuple of Cell
        Cells that failed twice.
    tight : tuple of Cell
        Cells that stopped early, as their interval was tight enough.
    stopped_by : str
        The budget that ended the experiment, as a sentence; empty where none did.
    """

    plan: Plan
    runs: tuple[Run, ...]
    failed: tuple[Run, ...]
    given_up: tuple[Cell, ...]
    tight: tuple[Cell, ...]
    stopped_by: str

    @property
    def complete(self) -> bool:
        """Whether every cell has all the runs that it needs."""
        return not self.stopped_by and not self.given_up

    def of(self, cell: Cell) -> tuple[Run, ...]:
        """Pick the completed runs of a cell.

        Parameters
        ----------
        cell : Cell
            One of the plan's.

        Returns
        -------
        tuple of Run
            In the order of the repetitions.
        """
        return tuple(run for run in self.runs if run.start.labels["cell_digest"] == cell.digest)

    def __iter__(self) -> Iterator[Run]:
        return iter(self.runs)

    def __len__(self) -> int:
        return len(self.runs)

    def __repr__(self) -> str:
        end = self.stopped_by or ("complete" if self.complete else f"{len(self.given_up)} cells given up")
        return f"<SweepResult {self.plan.name}: {len(self.runs)} runs, {len(self.failed)} failed; {end}>"
