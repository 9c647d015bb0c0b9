"""The backend ``local``: a real live migration of a guest process, over TCP, with no hypervisor and no root."""

import platform
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, NamedTuple, Self

import numpy as np

from xlkit import __version__
from xlkit.backends._conversation import Conversation
from xlkit.backends._guest_world import CLOCK_NAME
from xlkit.backends._household import Household
from xlkit.backends._live_settings import checked
from xlkit.backends._probing import probe_destination, probe_mechanisms, probe_memory
from xlkit.engine.control import State
from xlkit.engine.workload import Uniform, Workload
from xlkit.errors import EngineError, UndefinedOutcomeError
from xlkit.model import Applied, Iteration, Migration, Origin, RunStop, Setup, Side
from xlkit.protocols import Policy
from xlkit.units import PAGE_BYTES

_DEFAULT_WORKLOAD: Final = Uniform(rate_pages_s=10_000)


class GuestProcess(NamedTuple):
    """A guest process that has not ended."""

    side: Side
    pid: int
    running: bool


@dataclass(kw_only=True, eq=False)
class LocalBackend:
    """Migrate a guest process to another process, on this machine or another one.

    Parameters
    ----------
    memory : str or int, default "256MiB"
        Size of the guest, as text or in bytes [byte]; on one machine it is needed twice.
    bandwidth : str or float, optional
        Bandwidth of the link to emulate, as text or in bytes a second [B/s]; no limit when not given.
    workload : Workload, default 10 000 writes a second over all data pages
        What the guest does.
    tracker : {"wp_async", "marks"}, optional
        How written pages are found; the best that works here when not given.
    transport : {"vectored", "portable"}, optional
        How pages are sent; the faster that works here when not given.
    suspend : {"cooperative", "hard"}, default "cooperative"
        Whether the guest is asked to suspend or stopped by SIGSTOP.
    verify : {"replay", "hold"} or None, default "replay"
        How both memories are compared: after the hand-over, by replaying at the source the steps that the destination
        took since; or before it, which adds to the downtime; or not at all.
    seed : int, default 1
        Chooses the workload's random numbers.
    connect : tuple of str and int, optional
        Host and port of ``xlkit receive`` on another machine; a receiver is started on this one when not given.
    token : str, optional
        What that receiver printed.
    at_point : callable, optional
        For tests of failures: called with the name of each point that the migrator reaches, which waits meanwhile.

    Raises
    ------
    InvalidValueError
        If a setting cannot be used.

    See Also
    --------
    xlkit.backends.sim.SimBackend : The same loop, simulated.

    Notes
    -----
    The guest, the migrator and the receiver are processes of their own, gone when this process is. After a migration
    the guest runs at the destination until `end_guest` or the next `migrate`, which boots a fresh guest; `close` ends
    it, too, unless it went to another machine.

    The heartbeat counts, for each millisecond of the guest's clock, the data pages written and the page of registers
    that each step writes too.

    Examples
    --------
    >>> from xlkit.policies import ThresholdPolicy
    >>> with LocalBackend(memory="16MiB", workload=Uniform(rate_pages_s=1_000)) as backend:
    ...     *passes, stop = backend.migrate(Migration("guest"), ThresholdPolicy())
    >>> stop.status.value, stop.verified
    ('completed', True)
    """

    name = "local"

    memory: str | int = "256MiB"
    bandwidth: str | float | None = None
    workload: Workload = _DEFAULT_WORKLOAD
    tracker: str | None = None
    transport: str | None = None
    suspend: str = "cooperative"
    verify: str | None = "replay"
    seed: int = 1
    connect: tuple[str, int] | None = None
    token: str | None = field(default=None, repr=False)
    at_point: Callable[[str], None] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._settings = checked(
            memory=self.memory,
            bandwidth=self.bandwidth,
            workload=self.workload,
            tracker=self.tracker,
            transport_form=self.transport,
            suspend=self.suspend,
            verify=self.verify,
            seed=self.seed,
            connect=self.connect,
            token=self.token,
        )
        self._household = Household(self._settings)
        self._migrating = False
        # Also when the interpreter exits, and when nobody holds the backend any more.
        weakref.finalize(self, self._household.end)

    def preflight(self, migration: Migration) -> Setup:  # noqa: ARG002 - any domain and host will do
        """Find out what would fail, and return what is recorded of the set-up.

        Raises
        ------
        PreflightError
            If the tracker does not work here, memory is short or the receiver does not answer.
        """
        mechanisms = probe_mechanisms(self._settings)
        guest_bytes = 0 if self._household.domain is not None else self._settings.memory_bytes
        probe_memory(guest_bytes + (self._settings.memory_bytes if self.connect is None else 0))
        probe_destination(self._settings)
        return Setup(
            settings=self._settings.public() | mechanisms,
            applied=Applied.EMBEDDED,
            origin=Origin.MEASURED,
            clock=CLOCK_NAME,
            memory_pages=self._settings.memory_bytes // PAGE_BYTES,
            versions={
                "python": platform.python_version(),
                "numpy": np.__version__,
                "kernel": f"{platform.system()} {platform.release()}",
                "xlkit": __version__,
            },
        )

    def boot(self) -> None:
        """Start the guest at the source, unless one runs there; a guest at the destination is ended.

        Raises
        ------
        PreflightError
            If the tracker asked for does not work here.
        EngineError
            If memory is short.
        """
        if self._household.domain is None:
            self._household.end_destination()
            self._household.boot(str(probe_mechanisms(self._settings)["tracker"]))

    def migrate(
        self,
        migration: Migration,  # noqa: ARG002 - any domain and any host will do
        policy: Policy,
    ) -> Iterator[Iteration | RunStop]:
        """Yield each pass as it ends, then one `RunStop`; closing the iterator aborts.

        A policy that is `Interruptible` is asked meanwhile whether to give up, and a pass is cut short.
        """
        if self._migrating:
            raise EngineError("This backend is in the middle of a migration; take another one for another guest.")
        self._migrating = True
        try:
            yield from self._migrate(policy)
        finally:
            self._migrating = False

    def _migrate(self, policy: Policy) -> Iterator[Iteration | RunStop]:
        household, mechanisms = self._household, probe_mechanisms(self._settings)
        _clear_up(household)
        if household.domain is not None and household.settle() is State.RETIRED:
            raise UndefinedOutcomeError("Nobody can tell yet where the guest runs. Look at both sides, then close().")
        try:
            household.end_destination()
            household.start_processes()
            if household.domain is None:
                household.boot(mechanisms["tracker"])
            household.open_destination()
            household.open_migrator(mechanisms["tracker"], mechanisms["transport"], points=self.at_point is not None)
            yield from Conversation(household, policy, self.at_point).events()
        finally:
            household.end_migrator()
            _clear_up(household)

    def guests(self) -> tuple[GuestProcess, ...]:
        """Tell which guest processes there are.

        Returns
        -------
        tuple of GuestProcess
            Side, process id, and whether it works rather than standing still.
        """
        return tuple(_guests(self._household))

    def end_guest(self) -> None:
        """End the guest wherever it runs, also on another machine."""
        self._household.end_source()
        self._household.end_destination()

    def close(self) -> None:
        """End all that was started here; a guest that went to another machine runs on there."""
        self._household.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _clear_up(household: Household) -> None:
    """Leave one guest: at the source with nothing else around it, or at the destination."""
    if household.domain is None:
        return
    state = household.settle_for_good()
    if state is State.RUNNING:
        household.leave_destination()
    elif state is not State.RETIRED:
        household.end_source()
    if state is State.BOOTING:
        household.leave_destination()


def _guests(household: Household) -> Iterator[GuestProcess]:
    domain, destination = household.domain, household.destination
    if domain is not None and domain.alive:
        yield GuestProcess(Side.SOURCE, domain.pid, domain.control.state is State.RUNNING)
    if destination is None:
        return
    try:
        status = destination.ask("status")
    except EngineError:
        return
    if status.get("pid"):
        yield GuestProcess(Side.DESTINATION, int(status["pid"]), bool(status["running"]))
