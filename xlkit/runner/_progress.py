"""What is known of a run while it goes on, for any thread."""

import threading
from collections.abc import Callable
from typing import NamedTuple

from xlkit.model import Event, Iteration, Run, RunStart, RunStop, Status


class Snapshot(NamedTuple):
    """A run as it stands: its status, the iterations asked for, and its end.

    Parameters
    ----------
    status : Status
        ``running`` until everything is recorded; then how the run ended, ``failed`` also where nothing was started.
    iterations : tuple of Iteration
        Those that ended, from the number on that was asked for.
    stop : RunStop or None
        The run's end; None while it is going on, and where it failed before it began.
    error : BaseException or None
        What the run failed with.
    start : RunStart or None
        What is asked, and what the backend knew before; None until it has begun.
    """

    status: Status
    iterations: tuple[Iteration, ...]
    stop: RunStop | None
    error: BaseException | None
    start: RunStart | None = None

    @property
    def final(self) -> bool:
        """Whether nothing more will come."""
        return self.status is not Status.RUNNING


class Progress:
    """Collects the events of one run; every method may be called from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._start: RunStart | None = None
        self._iterations: tuple[Iteration, ...] = ()
        self._stop: RunStop | None = None
        self._run: Run | None = None
        self._error: BaseException | None = None

    def take(self, event: Event) -> None:
        """Take an event that the journal has."""
        with self._changed:
            if isinstance(event, RunStart):
                self._start = event
            elif isinstance(event, Iteration):
                self._iterations = (*self._iterations, event)
            elif isinstance(event, RunStop):
                self._stop = event
            self._changed.notify_all()

    def finish(self, outcome: Run | BaseException) -> None:
        """Say that all is recorded, or what went wrong."""
        with self._changed:
            if isinstance(outcome, Run):
                self._run = outcome
            else:
                self._error = outcome
            self._changed.notify_all()

    def snapshot(self, since: int) -> Snapshot:
        """See the run as it stands, with the iterations from place `since` on."""
        with self._changed:
            return self._snapshot(since)

    def wait_change(self, since: int, timeout_s: float | None) -> Snapshot:
        """Wait until there are more than `since` iterations, or the run is over, or the time is."""
        self._wait_for(lambda: len(self._iterations) > since or self._is_over(), timeout_s)
        return self.snapshot(since)

    def outcome(self, timeout_s: float | None) -> Run | None:
        """Wait for the run, raise what it failed with; None when the time is over."""
        self._wait_for(self._is_over, timeout_s)
        if self._error is not None:
            raise self._error
        return self._run

    def _wait_for(self, condition: Callable[[], bool], timeout_s: float | None) -> None:
        with self._changed:
            self._changed.wait_for(condition, timeout_s)

    def _is_over(self) -> bool:
        return self._run is not None or self._error is not None

    def _snapshot(self, since: int) -> Snapshot:
        status = Status.RUNNING
        if self._is_over():
            status = self._stop.status if self._stop is not None else Status.FAILED
        stop = self._stop if self._is_over() else None
        return Snapshot(status, self._iterations[since:], stop, self._error, self._start)
