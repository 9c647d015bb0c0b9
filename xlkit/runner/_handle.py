"""A run in a thread of its own, and the handle that its starter holds."""

import threading
from collections.abc import Iterable, Mapping

from xlkit.model import Forecast, Iteration, Migration, Run, Status
from xlkit.protocols import Backend, Policy, Watcher
from xlkit.runner._progress import Snapshot
from xlkit.runner._recording import Asked, Recording
from xlkit.store import RunStore


def start(
    migration: Migration,
    policy: Policy,
    backend: Backend,
    *,
    store: RunStore | None = None,
    watchers: Iterable[Watcher] = (),
    labels: Mapping[str, str] | None = None,
    forecast: Forecast | None = None,
) -> "RunHandle":
    """Migrate a guest in a thread of its own, and return at once.

    Parameters
    ----------
    migration : Migration
        Which domain goes where.
    policy : Policy
        When precopy ends.
    backend : Backend
        What drives the migration.
    store : RunStore or None, default None
        Where the run is recorded; None is the default store.
    watchers : iterable of callable, default ()
        Each hears every event, in order, in a thread of its own.
    labels : mapping of str to str, optional
        What the record says beside it, such as the cell of an experiment.
    forecast : Forecast or None, default None
        What is expected of the run, recorded with it so that it can be scored afterwards.

    Returns
    -------
    RunHandle
        The run; whatever goes wrong, also before the first page, is raised by `RunHandle.wait`.

    Raises
    ------
    InvalidValueError
        If an argument is of the wrong kind.

    See Also
    --------
    run : The same, in this thread.
    """
    return RunHandle(Recording(Asked(migration, policy, backend, store, watchers, labels or {}, forecast)))


class RunHandle:
    """A run that is going on; every method may be called from any thread.

    Parameters
    ----------
    recording : Recording
        What to run; `start` makes it.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._progress = recording.progress
        self._thread = threading.Thread(target=self._record, name=f"xlkit run {recording.run_id}", daemon=True)
        self._thread.start()

    @property
    def run_id(self) -> str:
        """Name of the run."""
        return self._recording.run_id

    @property
    def status(self) -> Status:
        """How the run stands: ``running`` until everything is recorded."""
        return self.snapshot().status

    @property
    def iterations(self) -> tuple[Iteration, ...]:
        """The iterations that ended so far."""
        return self.snapshot().iterations

    @property
    def policy(self) -> Policy:
        """The policy that answers now."""
        return self._recording.switch.policy

    def stop_now(self) -> None:
        """Go to stop-and-copy at the next call of the policy."""
        self._recording.switch.stop_now()

    def abort(self) -> None:
        """Give the migration up, within a pass where the backend can; the guest runs on at the source."""
        self._recording.switch.abort()

    def set_policy(self, policy: Policy) -> None:
        """Let another policy answer from the next call on.

        Parameters
        ----------
        policy : Policy
            The new policy; the record tells when it took over.
        """
        self._recording.switch.set_policy(policy)

    def wait(self, timeout_s: float | None = None) -> Run:
        """Wait for the end of the run.

        Parameters
        ----------
        timeout_s : float or None, default None
            How long to wait at most [s]; None waits to the end.

        Returns
        -------
        Run
            What happened.

        Raises
        ------
        TimeoutError
            If the run is still going on; nothing happens to it.
        KeyboardInterrupt
            After Ctrl-C, which ends the waiting and not the run.
        XlkitError
            What the run failed with, as `run` would have raised it.
        """
        ways = "stop_now() sends it to stop-and-copy, abort() gives it up, wait() waits again."
        try:
            run = self._progress.outcome(timeout_s)
        except KeyboardInterrupt:
            if self._progress.snapshot(0).final:
                raise
            raise KeyboardInterrupt(f"The run {self.run_id} goes on: {ways}") from None
        if run is None:
            raise TimeoutError(f"The run {self.run_id} is still going on after {timeout_s} s: {ways}")
        return run

    def snapshot(self, since: int = 0) -> Snapshot:
        """See the run as it stands.

        Parameters
        ----------
        since : int, default 0
            How many iterations are known already; only those after them are returned.

        Returns
        -------
        Snapshot
            Status, iterations and end, all of the same moment.
        """
        return self._progress.snapshot(since)

    def wait_change(self, since: int = 0, timeout_s: float | None = None) -> Snapshot:
        """Wait until there is something new.

        Parameters
        ----------
        since : int, default 0
            How many iterations are known already.
        timeout_s : float or None, default None
            How long to wait at most [s]; None waits for as long as it takes.

        Returns
        -------
        Snapshot
            The run as it stands when there are more iterations, when it is over, or when the time is.
        """
        return self._progress.wait_change(since, timeout_s)

    def __repr__(self) -> str:
        now = self.snapshot()
        return f"<RunHandle {self.run_id} {now.status}: {len(now.iterations)} iterations>"

    def _record(self) -> None:
        try:
            self._progress.finish(self._recording.record())
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits
            self._progress.finish(error)
