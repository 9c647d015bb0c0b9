"""The backend ``xl``: drive ``xl migrate`` on a source dom0, with both knobs on any host from Xen 4.14 on."""

import time
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, closing, nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import Final

from xlkit.backends.host import Host, LocalHost
from xlkit.backends.xl_command import SuspendProps, XlOptions, check_domain, destination_word, xl_command
from xlkit.backends.xl_heartbeat import ConsoleHeartbeat, Watch, watching
from xlkit.backends.xl_pilot import Pilot
from xlkit.backends.xl_probe import Dom0, Way, probe, refuse_busy
from xlkit.backends.xl_run import BASE, HostRun, find_run
from xlkit.backends.xl_story import Story
from xlkit.errors import HostError, HostUnreachableError, MigrationError, PreflightError, UndefinedOutcomeError
from xlkit.logs.events import CLOCK
from xlkit.model import Applied, Control, Iteration, Migration, Origin, Run, RunStop, Setup, Side, Status, StopReason
from xlkit.policies import SusePolicy, ThresholdPolicy
from xlkit.protocols import Policy
from xlkit.switch import Switch

_APPLIED: Final = {Way.NATIVE: Applied.NATIVE, Way.HELPER: Applied.HELPER, Way.OBSERVE: Applied.BUILT_IN}
_SETTLE_S: Final = 180.0
_FRESH_S: Final = 30.0


@dataclass(kw_only=True, eq=False)
class XlBackend:
    """Migrate a Xen guest by ``xl migrate``, and record every pass.

    xl runs on the source in a session of its own: a connection that is lost, or a notebook that is killed, changes
    nothing for the guest, and `attach` picks the migration up again. Closing the iterator gives it up.

    Parameters
    ----------
    host : Host, optional
        The source; when not given, the migration's own: this machine if that is ``localhost``, otherwise over SSH.
    way : {"auto", "native", "helper", "observe"}, default "auto"
        How the policy is applied: by xl's own flags, by the save helper that is carried there, or not at all (the host
        decides and every pass is recorded). One that cannot work is refused, never replaced by another.
    options : XlOptions, optional
        What ``xl migrate`` is told besides the stop rule.
    answer_within_s : float, default 10.0
        How long the host waits for the answer of a policy that only Python knows before the two knobs decide [s].
    reconnect_s : float, default 60.0
        How long a lost connection is tried again [s].
    base : str, default "/var/lib/xlkit"
        Folder on the source for what belongs to a migration; it is removed with it.
    heartbeat : ConsoleHeartbeat, optional
        What the guest prints again and again on its console: the gap in it, seen on both hosts by this machine's clock,
        is then recorded as one more account of the downtime.

    Examples
    --------
    >>> XlBackend(way="helper").name
    'xl'
    """

    name = "xl"

    host: Host | None = None
    way: str = Way.AUTO
    options: XlOptions = field(default_factory=XlOptions)
    answer_within_s: float = 10.0
    reconnect_s: float = 60.0
    base: str = BASE
    heartbeat: ConsoleHeartbeat | None = None
    _hosts: dict[str, Host] = field(default_factory=dict, init=False, repr=False)
    _probed: tuple[Migration, float, Dom0] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.way = Way(self.way)

    def preflight(self, migration: Migration) -> Setup:
        """Ask the source what it can do, and refuse what cannot work; nothing is changed there."""
        _check_names(migration)
        dom0 = self._probe(migration)
        way = dom0.choose(Way(self.way))
        if self.options.abort_if_busy:
            dom0.check_abort_if_busy(way)
        if self.heartbeat is not None:
            self._check_heartbeat(self.heartbeat, migration)
        self._probed = migration, time.monotonic(), dom0
        return Setup(
            settings={
                "source": dom0.label,
                "way": way.value,
                "options": [*self.options.global_words(), *self.options.migrate_words()],
                "base": self.base,
                **({"heartbeat": self.heartbeat.pattern} if self.heartbeat else {}),
            },
            applied=_APPLIED[way],
            origin=Origin.MEASURED,
            clock=CLOCK,
            memory_pages=dom0.memory_pages,
            versions=dom0.versions,
        )

    def migrate(self, migration: Migration, policy: Policy) -> Iterator[Iteration | RunStop]:
        """Yield each pass as it ends, then one `RunStop`; closing the iterator gives the migration up."""
        _check_names(migration)
        dom0 = self._fresh(migration) or self._probe(migration)
        way = dom0.choose(Way(self.way))
        argv = self.command(migration, policy, way)
        pilot = Pilot(policy, self.answer_within_s)
        host = self._host(migration)
        with self._watching(migration, host) as watch:
            run = HostRun.start(host, dom0, way, migration.domain, argv, pilot.settings(), base=self.base)
            with closing(self._follow(migration, run, pilot, dom0.memory_pages)) as events:
                yield from _own(events, watch)

    def attach(self, run: Run, policy: Policy) -> Iterator[Iteration | Control | RunStop]:
        """Find the migration of a run that lost its watcher; the iterator tells it from its first pass on.

        Closing the iterator gives the migration up.

        Parameters
        ----------
        run : Run
            What was recorded of it.
        policy : Policy
            The run's own, perhaps within a `Switch` that takes further orders.

        Returns
        -------
        iterator of Iteration, Control or RunStop
            As `migrate` tells it, with the orders that an earlier watcher gave.

        Raises
        ------
        PreflightError
            If the source knows of no such migration.
        HostUnreachableError
            If the source does not answer.
        """
        migration = run.start.migration
        _check_names(migration)
        host = self._host(migration)
        found = find_run(host, migration.domain, run.start.started_at, base=self.base)
        if found is None:
            raise PreflightError(
                f"{host.label} holds no migration of {migration.domain} begun at {run.start.started_at:%F %T} UTC: "
                "nothing to attach to. `xl list` on both hosts shows where the guest runs."
            )
        pilot = Pilot(policy, self.answer_within_s, before=found.policy(), rule=run.start.policy)
        return self._follow(migration, found, pilot, run.start.setup.memory_pages)

    def command(self, migration: Migration, policy: Policy, way: Way | None = None) -> list[str]:
        """Build the command that runs on the source; nothing is contacted.

        Parameters
        ----------
        migration : Migration
            Which domain goes where.
        policy : Policy
            When precopy ends.
        way : Way or None, default None
            How the policy is applied; None is the backend's own, and ``auto`` is told as for an xl that has the flags.

        Returns
        -------
        list of str
            The words; the save helper and its policy go beside them, in the environment.

        Raises
        ------
        InvalidValueError
            If a name could mean anything else to xl or to a shell.
        PreflightError
            If that way cannot carry the policy.

        Examples
        --------
        >>> backend = XlBackend(options=XlOptions(paused=True), way="helper")
        >>> backend.command(Migration("web1", "hostb"), ThresholdPolicy())
        ['xl', 'migrate', '-p', 'web1', 'hostb']
        """
        way = Way(self.way) if way is None else way
        rule = policy.policy if isinstance(policy, Switch) else policy
        options, props = self.options, None
        if way is Way.OBSERVE and rule != ThresholdPolicy():
            raise PreflightError(
                f"way='observe' leaves the decision to the host, which stops by {ThresholdPolicy()!r}, not by "
                f"{rule!r}. Nothing was started."
            )
        if options.abort_if_busy:
            refuse_busy(way)
        if way is Way.NATIVE and not isinstance(rule, ThresholdPolicy | SusePolicy):
            raise PreflightError(f"xl's own flags carry two numbers, not {rule!r}. Nothing was started.")
        if way in {Way.NATIVE, Way.AUTO} and isinstance(rule, ThresholdPolicy | SusePolicy):
            props = SuspendProps(max_iters=rule.max_iters, min_remaining=rule.min_remaining)
        if way is Way.NATIVE:
            # The patched xl tells each call of its policy in a line of level debug.
            options = replace(options, verbose=3)
        return xl_command(migration.domain, migration.destination, options, props)

    def close(self) -> None:
        """Let go of the hosts; what runs there goes on."""
        for host in self._hosts.values():
            host.close()
        self._hosts.clear()

    def _watching(self, migration: Migration, source: Host) -> AbstractContextManager[Watch | None]:
        if self.heartbeat is None:
            return nullcontext()
        return watching(self.heartbeat, migration.domain, source, self._destination(self.heartbeat, migration))

    def _destination(self, heartbeat: ConsoleHeartbeat, migration: Migration) -> Host:
        return heartbeat.destination or self._reached(migration.destination)

    def _follow(
        self, migration: Migration, run: HostRun, pilot: Pilot, memory_pages: int | None
    ) -> Generator[Iteration | Control | RunStop]:
        path = f"{run.host.label}:{run.folder}/events"
        story = Story(
            pilot.policy,
            run.answer,
            memory_pages=memory_pages,
            path=path,
            orders_before=pilot.orders_before,
            began_with=pilot.began_with,
        )
        run.reconnect_s = self.reconnect_s
        over = False
        try:
            for line in run.lines():
                pilot.steer(run, story)
                yield from story.hear(line) if line else ()
                if story.status is not None:
                    break
            over = True
            yield from self._ending(migration, run, story, aborting=pilot.aborting)
        except HostUnreachableError as error:
            over = True
            run.keep = True
            yield _lost(error, migration)
        except BaseException:
            if not over:
                self._give_up(run, story, pilot)
            raise
        finally:
            run.remove()

    def _ending(
        self, migration: Migration, run: HostRun, story: Story, *, aborting: bool
    ) -> Iterator[Iteration | RunStop]:
        # Asked only where the answer decides: a successful xl has given the guest away.
        at_source = story.status != 0 and run.host.run(f"xl domid {migration.domain}").status == 0
        stop = story.stop(aborting=aborting or story.failure is not None, at_source=at_source)
        yield from story.final()
        if story.failure is not None and stop.runs_at is Side.SOURCE:
            raise MigrationError(
                f"The policy failed, so the migration was given up: {story.failure}"
            ) from story.failure
        yield stop
        if stop.status is Status.UNDEFINED:
            raise UndefinedOutcomeError(stop.message)
        if stop.status is Status.FAILED:
            raise MigrationError(stop.message)

    def _give_up(self, run: HostRun, story: Story, pilot: Pilot) -> None:
        """Abort before the hand-over, or wait it out, until xl has ended."""
        pilot.abort()
        end_s = time.monotonic() + _SETTLE_S
        with suppress(HostError):
            for line in run.lines():
                pilot.steer(run, story)
                if line:
                    story.hear(line)
                if story.status is not None or time.monotonic() > end_s:
                    return

    def _check_heartbeat(self, heartbeat: ConsoleHeartbeat, migration: Migration) -> None:
        destination = self._destination(heartbeat, migration)
        try:
            destination.run("true")
        except HostError as error:
            raise PreflightError(
                f"The heartbeat cannot be watched at the destination: {error} Nothing was started."
            ) from error

    def _fresh(self, migration: Migration) -> Dom0 | None:
        """Return, once, what a preflight found out a moment ago."""
        probed, self._probed = self._probed, None
        if probed is None or probed[0] != migration or time.monotonic() - probed[1] > _FRESH_S:
            return None
        return probed[2]

    def _probe(self, migration: Migration) -> Dom0:
        dom0 = probe(self._host(migration), migration.domain)
        if dom0.domid is None:
            raise PreflightError(f"No domain {migration.domain} runs on {dom0.label}; `xl list` there shows what does.")
        return dom0

    def _host(self, migration: Migration) -> Host:
        if self.host is not None:
            return self.host
        return self._reached(migration.source)

    def _reached(self, name: str) -> Host:
        if name not in self._hosts:
            self._hosts[name] = _reach(name)
        return self._hosts[name]


def _own(events: Iterator[Iteration | Control | RunStop], watch: Watch | None) -> Iterator[Iteration | RunStop]:
    for event in events:
        if isinstance(event, RunStop) and event.status is Status.COMPLETED and watch is not None:
            yield watch.told(event)
        elif not isinstance(event, Control):
            # Only a migration that is attached to has orders of an earlier watcher to tell.
            yield event


def _lost(error: HostUnreachableError, migration: Migration) -> RunStop:
    return RunStop(
        status=Status.INCOMPLETE,
        stop_reason=StopReason.UNKNOWN,
        runs_at=Side.UNKNOWN,
        message=f"{error} The migration of {migration.domain} goes on there unwatched; `xlkit attach` takes it up.",
    )


def _check_names(migration: Migration) -> None:
    check_domain(migration.domain)
    destination_word(migration.destination)


def _reach(source: str) -> Host:
    if source == "localhost":
        return LocalHost()
    from xlkit.backends.ssh import SshHost

    return SshHost(source)
