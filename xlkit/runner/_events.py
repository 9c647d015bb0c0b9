"""The one stream of a run's events: journal first, exactly one stop, and what an error means for the guest."""

import logging
from collections.abc import Callable

from xlkit.errors import MigrationError, StoreError, UndefinedOutcomeError
from xlkit.model import Event, Iteration, Phase, RunStop, Side, Status, StopReason
from xlkit.runner._progress import Progress
from xlkit.store import Journal
from xlkit.switch import Switch

_log = logging.getLogger("xlkit.runner")


class EventStream:
    """Passes each event on in the order journal, progress, watchers; nothing follows a stop."""

    def __init__(self, journal: Journal, progress: Progress, tell: Callable[[Event], None]) -> None:
        self._journal = journal
        self._progress = progress
        self._tell = tell
        self._stop: RunStop | None = None
        self._stop_recorded = False
        self._handed_over = False

    def hear(self, event: Event) -> None:
        """Record an event and pass it on; `StoreError` when it cannot be recorded."""
        if self._stop_recorded:
            return
        if isinstance(event, RunStop):
            self._stop = event
        # The backends yield the final pass once the destination runs the guest.
        self._handed_over |= isinstance(event, Iteration) and event.phase is Phase.STOP_AND_COPY
        self._journal.append(event)
        self._stop_recorded = isinstance(event, RunStop)
        self._progress.take(event)
        self._tell(event)

    def check_ended(self, backend: str) -> None:
        """Refuse a backend that went silent."""
        if self._stop is None:
            raise MigrationError(f"The backend {backend} ended without saying how; {self._where()}")

    def end(self, error: BaseException, switch: Switch) -> None:
        """Record the stop that an error means, and raise it unless it is how an abort that was asked for came about."""
        stop = self._stop or self._stop_after(error, asked=switch.abort_requested())
        as_asked = self._stop is None and stop.status is Status.ABORTED and isinstance(error, Exception)
        events: tuple[Event, ...] = (*switch.taken_up(), stop)
        try:
            for event in events:
                self.hear(event)
        except StoreError as lost:
            _log.error("The end of the run (%s) was not recorded: %s", stop.status, lost)
            error = lost if as_asked else error
        if isinstance(error, StoreError):
            raise StoreError(f"{error} The migration was ended, as it cannot be recorded; {self._where()}") from error
        if not as_asked:
            raise error

    def _stop_after(self, error: BaseException, *, asked: bool) -> RunStop:
        message = str(error) or type(error).__name__
        if isinstance(error, UndefinedOutcomeError):
            return RunStop(
                status=Status.UNDEFINED, stop_reason=StopReason.FAILED, runs_at=Side.UNKNOWN, message=message
            )
        runs_at = self._runs_at()
        interrupted = not isinstance(error, Exception)
        message = f"Interrupted ({message}); {self._where()}" if interrupted else message
        if not self._handed_over and (asked or interrupted) and not isinstance(error, StoreError):
            return RunStop(status=Status.ABORTED, stop_reason=StopReason.ABORTED, runs_at=runs_at, message=message)
        return RunStop(status=Status.FAILED, stop_reason=StopReason.FAILED, runs_at=runs_at, message=message)

    def _runs_at(self) -> Side:
        if self._stop is not None:
            return self._stop.runs_at
        return Side.DESTINATION if self._handed_over else Side.SOURCE

    def _where(self) -> str:
        side = self._runs_at()
        return "look at both hosts for the guest." if side is Side.UNKNOWN else f"the guest runs at the {side}."
