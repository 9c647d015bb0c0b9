"""The recording loop: start on disk before the first page, journal before watchers, one stop on every way out."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from xlkit.errors import InvalidValueError
from xlkit.model import Control, Event, Forecast, Iteration, Migration, Run, RunStart, RunStop
from xlkit.protocols import Backend, Policy, Watcher
from xlkit.runner._events import EventStream
from xlkit.runner._progress import Progress
from xlkit.runner._watchers import listening
from xlkit.store import Journal, RunStore
from xlkit.switch import Switch


def run(
    migration: Migration,
    policy: Policy,
    backend: Backend,
    *,
    store: RunStore | None = None,
    watchers: Iterable[Watcher] = (),
    labels: Mapping[str, str] | None = None,
    forecast: Forecast | None = None,
) -> Run:
    """Migrate a guest and record the run.

    Every event is in the journal before anybody else hears of it: a journal that cannot write ends the migration, and a
    watcher that fails or is slow does not. Slow ones get five seconds at the end to catch up.

    Parameters
    ----------
    migration : Migration
        Which domain goes where.
    policy : Policy
        When precopy ends. A `Switch` is taken as it is, so that its holder can overrule it.
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
    Run
        What happened. A migration that was aborted, by the policy or by an operator, is returned, too.

    Raises
    ------
    InvalidValueError
        If an argument is of the wrong kind.
    PreflightError
        If the migration would fail; nothing was started or recorded.
    StoreError
        If the run cannot be recorded; the migration was given up, and the message names the file and the guest's side.
    MigrationError
        If the migration failed; the run is recorded as failed.
    KeyboardInterrupt
        After Ctrl-C: the migration was given up and recorded as aborted.
    """
    asked = Asked(migration, policy, backend, store, watchers, labels or {}, forecast)
    return Recording(asked).record()


@dataclass(frozen=True, slots=True)
class Asked:
    """What `run` and `start` were called with."""

    migration: Migration
    policy: Policy
    backend: Backend
    store: RunStore | None
    watchers: Iterable[Watcher]
    labels: Mapping[str, str] = field(default_factory=dict)
    forecast: Forecast | None = None


class Recording:
    """One run on its way: what is asked, the operator's switch, and what is known so far."""

    def __init__(self, asked: Asked) -> None:
        migration, policy = asked.migration, asked.policy
        if not isinstance(migration, Migration):
            raise InvalidValueError(f"migration must be a Migration, for example Migration('demo'), not {migration!r}.")
        if not isinstance(policy, Policy):
            raise InvalidValueError(f"policy must have decide(stats), as ThresholdPolicy() has, not {policy!r}.")
        self.run_id = new_run_id()
        self.switch = policy if isinstance(policy, Switch) else Switch(policy)
        self.progress = Progress()
        self._asked = asked
        self._migration = migration
        self._backend = asked.backend
        self._store = RunStore() if asked.store is None else asked.store
        self._watchers = tuple(asked.watchers)

    def record(self) -> Run:
        """Drive the migration to its end, whichever that is, and record it."""
        start = self._start()
        with listening(self._watchers) as tell, self._journal(start) as journal:
            stream = EventStream(journal, self.progress, tell)
            self.progress.take(start)
            tell(start)
            try:
                self._follow(stream.hear)
                stream.check_ended(self._backend.name)
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is recorded first
                stream.end(error, self.switch)
            return journal.run()

    def _follow(self, hear: Callable[[Event], None]) -> None:
        with closing(self._events()) as events:  # type: ignore[type-var]
            for event in events:
                for control in self.switch.taken_up():
                    hear(control)
                hear(event)

    def _events(self) -> Iterator[Iteration | Control | RunStop]:
        return self._backend.migrate(self._migration, self.switch)

    def _journal(self, start: RunStart) -> AbstractContextManager[Journal]:
        return self._store.journal(start)

    def _start(self) -> RunStart:
        setup = self._backend.preflight(self._migration)
        return RunStart(
            run_id=self.run_id,
            migration=self._migration,
            backend=self._backend.name,
            policy=self.switch.policy,
            started_at=datetime.now(UTC),
            setup=setup,
            labels=self._asked.labels,
            forecast=self._asked.forecast,
        )


def new_run_id() -> str:
    """Name a run so that names sort by time and two of the same millisecond differ."""
    now = datetime.now(UTC)
    return f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}-{secrets.token_hex(3)}"
