"""A run that somebody else records, read from the store as it grows."""

import time

from xlkit.model import Run, Status
from xlkit.protocols import Policy
from xlkit.runner import Snapshot
from xlkit.store import RunStore

_LOOK_S = 0.2


class Recorded:
    """Read a run of the store again and again, until it has its end; it is looked at, and not held.

    Parameters
    ----------
    key : str or int
        The run, as `RunStore` looks it up.
    store : RunStore or None
        Where it is recorded; None is the default store.

    Raises
    ------
    UnknownRunError
        If no run, or more than one, answers to the key.
    """

    def __init__(self, key: str | int, store: RunStore | None) -> None:
        self._store = RunStore() if store is None else store
        self._run = self._store[key]
        self._looked_s = time.monotonic()

    @property
    def run_id(self) -> str:
        """Name of the run."""
        return self._run.run_id

    @property
    def policy(self) -> Policy:
        """The policy in force, as far as it is recorded."""
        changed = [one.policy for one in self._run.controls if one.policy is not None]
        policy: Policy = changed[-1] if changed else self._run.start.policy
        return policy

    def is_being_written(self) -> bool:
        """Tell whether somebody records the run now.

        Returns
        -------
        bool
            False for one that has its end, or lost its watcher.
        """
        return self._look().stop.status is Status.RUNNING

    def snapshot(self) -> Snapshot:
        """See the run as it is recorded.

        Returns
        -------
        Snapshot
            As that of a run of this process.
        """
        run = self._look()
        final = run.stop.status is not Status.RUNNING
        return Snapshot(run.stop.status, run.iterations, run.stop if final else None, None, run.start)

    def wait(self) -> Run:
        """Wait until the run has its end.

        Returns
        -------
        Run
            The run as it was recorded.
        """
        while self.is_being_written():
            time.sleep(_LOOK_S)
        return self._run

    def _look(self) -> Run:
        # A journal is read from its beginning each time, so it is not read more often than anybody can see.
        now_s = time.monotonic()
        if self._run.stop.status is Status.RUNNING and now_s - self._looked_s >= _LOOK_S:
            self._run, self._looked_s = self._store[self._run.run_id], now_s
        return self._run
