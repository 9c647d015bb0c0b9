"""What the store says of a run without reading its iterations, and how it words its warnings."""

import re
from dataclasses import dataclass

from xlkit.errors import InvalidValueError
from xlkit.journal import PolicyCodec
from xlkit.model import Control, Event, Iteration, Run, RunStart, RunStop, Status, StopReason
from xlkit.policies import from_settings, to_settings

CODEC: PolicyCodec = (to_settings, from_settings)

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")

_ENDS = {
    Status.RUNNING: "The run is still going on.",
    Status.INCOMPLETE: "The recording ended before the run did; look at both hosts to see where the guest runs.",
}


class StoreWarning(UserWarning):
    """A file of the store was passed over or could not be written; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHead:
    """A run without its iterations: what a listing needs.

    Parameters
    ----------
    start : RunStart
        All that was known before the first page moved.
    stop : RunStop
        How the run ended.
    controls : tuple of Control
        What operators did to it.
    n_iterations : int
        How many iterations are recorded, the final pass among them.
    """

    start: RunStart
    stop: RunStop
    controls: tuple[Control, ...]
    n_iterations: int

    @property
    def run_id(self) -> str:
        """Name of the run."""
        return self.start.run_id

    @property
    def complete(self) -> bool:
        """Whether the run recorded its own end."""
        return self.stop.status not in {Status.RUNNING, Status.INCOMPLETE}

    def with_iterations(self, iterations: tuple[Iteration, ...]) -> Run:
        """Put the run together.

        Parameters
        ----------
        iterations : tuple of Iteration
            Its iterations.

        Returns
        -------
        Run
            The whole run.
        """
        return Run(start=self.start, iterations=iterations, stop=self.stop, controls=self.controls)


def head_of(run: Run) -> RunHead:
    """Leave the iterations of a run away."""
    return RunHead(start=run.start, stop=run.stop, controls=run.controls, n_iterations=len(run.iterations))


def run_of(events: list[Event], *, end: Status) -> Run:
    """Put a run together from its events; `end` is the status of one that has no stop."""
    start = events[0]
    if not isinstance(start, RunStart):
        raise TypeError("A run begins with its start.")
    stops = [event for event in events if isinstance(event, RunStop)]
    return Run(
        start=start,
        iterations=tuple(event for event in events if isinstance(event, Iteration)),
        stop=stops[0] if stops else RunStop(status=end, stop_reason=StopReason.UNKNOWN, message=_ENDS[end]),
        controls=tuple(event for event in events if isinstance(event, Control)),
    )


def check_run_id(run_id: str) -> str:
    """Refuse a name that cannot be a file's name on every system."""
    if not _RUN_ID.fullmatch(run_id):
        raise InvalidValueError(
            f"A run id is made of letters, digits, '.', '_' and '-', a letter or digit first, not {run_id[:80]!r}."
        )
    return run_id
