"""The processes that one backend started: all it has to end, and nothing that refers back to it."""

import os
import secrets
import select
import signal
import threading
import time
from dataclasses import replace
from typing import Final

from xlkit.backends._live_settings import LiveSettings
from xlkit.backends.migrator import BASELINE_S
from xlkit.engine import control
from xlkit.engine.channel import Channel
from xlkit.engine.child import Child
from xlkit.engine.control import State
from xlkit.engine.domain import Domain
from xlkit.engine.outcome import Destination, Outcome, ask_outcome
from xlkit.errors import EngineError

_LISTEN_TIMEOUT_S: Final = 30.0
_SETTLE_TIMEOUT_S: Final = 10.0
_GONE_TIMEOUT_S: Final = 5.0
_POLL_S: Final = 0.001


class Household:
    """Start and end the guest, the receiver and the migrator.

    Parameters
    ----------
    settings : LiveSettings
        The backend's settings.
    """

    def __init__(self, settings: LiveSettings) -> None:
        self._settings = settings
        self._owner_pid = os.getpid()
        self._lock = threading.RLock()
        self._receiver: Child | None = None
        self.domain: Domain | None = None
        self.migrator: Child | None = None
        self.destination: Destination | None = None

    def boot(self, tracker: str) -> Domain:
        """Start a fresh guest at the source.

        Parameters
        ----------
        tracker : str
            Tracker that will be used.

        Returns
        -------
        Domain
            Running.

        Raises
        ------
        EngineError
            If there is not enough memory.
        """
        settings = self._settings
        domain = self.domain = Domain(settings.memory_bytes, settings.workload, seed=settings.seed, tracker=tracker)
        try:
            domain.ready()
            domain.start()
        except BaseException:
            self.end_source()
            raise
        return domain

    def start_processes(self) -> None:
        """Start receiver and migrator, so that their imports go on while the guest boots."""
        if self._settings.connect is None:
            self._receiver = Child("xlkit.engine.receiver")
        self.migrator = Child("xlkit.backends.migrator")

    def open_destination(self) -> Destination:
        """Name a new migration at the destination, and start a receiver if it is on this machine.

        Returns
        -------
        Destination
            Where to connect.

        Raises
        ------
        EngineError
            If no receiver can be started.
        """
        settings = self._settings
        host, port = settings.connect or ("", 0)
        token = settings.token or secrets.token_urlsafe(16)
        if settings.connect is None:
            self._receiver = self._receiver or Child("xlkit.engine.receiver")
            guests = self._stoppable_guest()
            self._receiver.channel.send("begin", token=token, fds=guests)
            for guest in guests:
                os.close(guest)
            facts = self._receiver.expect("listening", _LISTEN_TIMEOUT_S).facts
            host, port = facts["host"], facts["port"]
        self.destination = Destination(host=host, port=port, token=token, migration=secrets.token_hex(8))
        return self.destination

    def open_migrator(self, tracker: str, transport: str, *, points: bool) -> Child:
        """Start the migrator for the guest that runs, and connect it to guest and destination.

        Parameters
        ----------
        tracker, transport : str
            Names of tracker and transport.
        points : bool
            Whether it is to be held at each point, for tests.

        Returns
        -------
        Child
            The migrator; it says ``ready`` next.

        Raises
        ------
        EngineError
            If the guest's process is gone.
        """
        domain, settings = self._running_domain(), self._settings
        migrator = self.migrator = self.migrator or Child("xlkit.backends.migrator")
        with domain.adopt() as master:
            destination = self.destination
            migrator.channel.send(
                "begin",
                fds=[master.fileno(), *domain.fds],
                destination=None if destination is None else _plain(destination),
                memory_bytes=settings.memory_bytes,
                control_bytes=control.SIZE_BYTES,
                marks_bytes=domain.marks_bytes,
                bandwidth_bytes_s=settings.bandwidth_bytes_s,
                tracker=tracker,
                transport=transport,
                suspend=settings.suspend,
                verify=settings.verify,
                pid=domain.pid,
                address=domain.address,
                points=points,
            )
        if settings.suspend == "hard":
            threading.Thread(target=self._guard, args=(os.pidfd_open(migrator.pid),), daemon=True).start()
        return migrator

    def wait_for_baseline(self) -> None:
        """Wait until the guest has worked untracked long enough to show its usual pace."""
        due_s = self._running_domain().control.first_write_s + BASELINE_S
        time.sleep(max(0.0, due_s - time.monotonic()))

    def end_migrator(self) -> None:
        """End the migrator; it gives up what it still can."""
        if self.migrator is not None:
            migrator, self.migrator = self.migrator, None
            if migrator.alive:
                _say(migrator.channel, "abort")
            migrator.end(_GONE_TIMEOUT_S)

    def settle(self) -> State:
        """Find out where the guest runs, once the migrator has ended.

        Returns
        -------
        State
            `State.RUNNING` at the source, `State.DEPARTED` to the destination, anything else: nobody can tell (yet).
        """
        with self._lock:
            domain = self.domain
            if domain is None:
                return State.BOOTING
            self._wake(domain)
            deadline_s = time.monotonic() + _SETTLE_TIMEOUT_S
            while domain.alive and time.monotonic() < deadline_s:
                state = domain.control.state
                if state is State.DEPARTED or (state is State.RUNNING and not domain.control.tracked):
                    break
                time.sleep(_POLL_S)
            state = domain.control.state
            return state if domain.alive or state is State.DEPARTED else State.BOOTING

    def settle_for_good(self) -> State:
        """Find out where the guest runs, and end a receiver of this machine that does not say so.

        Returns
        -------
        State
            As `settle` does; without an answer only where the receiver is not ours to end.
        """
        state = self.settle()
        if state is State.RETIRED and self._receiver is not None:
            self._end_receiver()
            state = self.settle()
        return state

    def end_source(self) -> None:
        """End the guest at the source."""
        with self._lock:
            if self.domain is not None:
                domain, self.domain = self.domain, None
                domain.end()

    def end_destination(self) -> None:
        """End the guest at the destination, and the receiver if it was started here."""
        destination, self.destination = self.destination, None
        if destination is not None and self._receiver is None:
            _end_there(destination)
        self._end_receiver()

    def leave_destination(self) -> None:
        """Forget the destination, and end the receiver if it was started here; a guest elsewhere runs on."""
        self.destination = None
        self._end_receiver()

    def end(self) -> None:
        """End everything that was started here; does nothing in a forked copy of the process that started it."""
        if os.getpid() != self._owner_pid:
            return
        if self.migrator is not None:
            self.migrator.end()
            self.migrator = None
        self.end_source()
        self.leave_destination()

    @property
    def receiver_pid(self) -> int | None:
        """Process of the receiver, where it was started here."""
        return None if self._receiver is None else self._receiver.pid

    def _end_receiver(self) -> None:
        if self._receiver is not None:
            receiver, self._receiver = self._receiver, None
            _say(receiver.channel, "end")
            receiver.end(_GONE_TIMEOUT_S)

    def _stoppable_guest(self) -> list[int]:
        stoppable = self._settings.suspend == "hard" and self.domain is not None and hasattr(os, "pidfd_open")
        return [os.pidfd_open(self.domain.pid)] if stoppable and self.domain is not None else []

    def _guard(self, migrator_fd: int) -> None:
        """Wake a guest that was stopped by signal as soon as its migrator is gone, whoever is waiting for an event."""
        select.select((migrator_fd,), (), ())
        os.close(migrator_fd)
        self.settle()

    def _running_domain(self) -> Domain:
        if self.domain is None:
            raise EngineError("No guest runs at the source.")
        return self.domain

    def _wake(self, domain: Domain) -> None:
        """Let a guest that was stopped by signal go on, unless it is the destination's by now.

        Where nobody can tell, it ends the step in which it was stopped, and then asks by itself until it knows.
        """
        if self._settings.suspend != "hard":
            return
        # A migrator that was killed between the signal and its note leaves a stopped guest that passes for running.
        if domain.control.state is State.RETIRED and self.destination is not None:
            same = replace(self.destination, twin_pid=None)
            if ask_outcome(same) is Outcome.RUNNING:
                domain.control.state = State.DEPARTED
        if domain.control.state is not State.DEPARTED:
            domain.signal(signal.SIGCONT)


def _plain(destination: Destination) -> dict[str, object]:
    return {
        "host": destination.host,
        "port": destination.port,
        "token": destination.token,
        "migration": destination.migration,
    }


def _say(channel: Channel, word: str) -> None:
    try:
        channel.send(word)
    except EngineError:
        return


def _end_there(destination: Destination) -> None:
    try:
        destination.ask("end")
    except EngineError:
        # Nobody there to be told: whatever ran there ended with its receiver.
        return
