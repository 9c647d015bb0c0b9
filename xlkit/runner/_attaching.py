"""A run that lost its watcher while the migration went on: taken up again, and recorded whole."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager

from xlkit.errors import PreflightError
from xlkit.model import Control, Iteration, Run, RunStart, RunStop, Status
from xlkit.protocols import Attachable, Watcher
from xlkit.runner._handle import RunHandle
from xlkit.runner._recording import Asked, Recording
from xlkit.store import Journal, RunStore


def attach(
    key: str | int,
    backend: Attachable,
    *,
    store: RunStore | None = None,
    watchers: Iterable[Watcher] = (),
) -> RunHandle:
    """Take up a run whose watcher was lost while the migration went on, and return at once.

    The run is told once more from its first pass on, and that record takes the place of the incomplete one.

    Parameters
    ----------
    key : str or int
        The run, as `RunStore` looks it up.
    backend : Attachable
        What drives the migration.
    store : RunStore or None, default None
        Where the run is recorded; None is the default store.
    watchers : iterable of callable, default ()
        Each hears every event, in order, in a thread of its own.

    Returns
    -------
    RunHandle
        The run, as `start` would have given it: it can be stopped, aborted and given another policy. A host that holds
        no such migration is told by `RunHandle.wait`, and the record stays as it is.

    Raises
    ------
    UnknownRunError
        If no run, or more than one, answers to the key.
    PreflightError
        If the run has its end, or somebody records it now.

    See Also
    --------
    start : Begin a run.
    """
    store = RunStore() if store is None else store
    store.recover()
    run = store[key]
    if run.complete:
        raise PreflightError(f"The run {run.run_id} has its end ({run.stop.status}): nothing to attach to.")
    if run.stop.status is Status.RUNNING:
        raise PreflightError(f"The run {run.run_id} is being recorded now, by whoever started it; wait for its end.")
    return RunHandle(_Attachment(run, backend, store, watchers))


class _Attachment(Recording):
    """A recording whose migration runs already."""

    def __init__(self, run: Run, backend: Attachable, store: RunStore, watchers: Iterable[Watcher]) -> None:
        super().__init__(Asked(run.start.migration, run.start.policy, backend, store, watchers))
        self.run_id = run.run_id
        self._run, self._attachable = run, backend

    def _start(self) -> RunStart:
        # Found before anything is recorded: a host that knows of no such migration ends it here.
        self._found = self._attachable.attach(self._run, self.switch)
        return self._run.start

    def _events(self) -> Iterator[Iteration | Control | RunStop]:
        return self._found

    def _journal(self, start: RunStart) -> AbstractContextManager[Journal]:
        return self._store.journal(start, again=True)
