"""The simulator: the same precopy loop over imagined pages and a virtual clock, equal to the last digit everywhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Self

from xlkit.backends._dirtying import DirtyingLaw
from xlkit.backends._world import CLOCK_NAME, Costs, Jitter, World
from xlkit.engine.workload import Uniform, Workload, to_settings
from xlkit.errors import InvalidValueError
from xlkit.model import (
    Applied,
    Decision,
    Iteration,
    Migration,
    Origin,
    PrecopyStats,
    RunStop,
    Setup,
    Side,
    StopReason,
)
from xlkit.precopy import precopy
from xlkit.protocols import Policy, Reasoned
from xlkit.units import PAGE_BYTES, pages, parse_bytes, parse_bytes_s, whole_number

_DEFAULT_WORKLOAD: Final = Uniform(rate_pages_s=10_000)
_DURATIONS: Final = (
    "suspend_s",
    "resume_s",
    "pass_overhead_s",
    "decide_s",
    "collect_s_per_gib",
    "arm_s_per_gib",
    "warm_up_s",
)


@dataclass(kw_only=True, eq=False)
class SimBackend:
    """Simulate a live migration: no guest, no network, no waiting.

    The loop is the one that drives real migrations; only the memory and the link are imagined. What a pass leaves
    dirty is the expectation of what the live engine's guest writes meanwhile, so the same settings give the same run
    on every platform. Each migration begins with a fresh guest.

    Parameters
    ----------
    memory : str or int, default "256MiB"
        Size of the guest, as text or in bytes [B].
    bandwidth : str or float, default "1Gbit/s"
        Bandwidth of the link, as text or in bytes a second [B/s].
    workload : Workload, default 10 000 writes a second over all data pages
        What the guest does.
    seed : int, default 1
        Chooses the sequence of the noise.
    noise : float, default 0.0
        Largest relative deviation of the bandwidth of a pass, drawn anew for each, from 0 to less than 1.
    suspend_s : float, default 0.0001
        From asking the guest to suspend until it stands still [s].
    resume_s : float, default 0.0003
        From the last page until the guest runs at the destination [s].
    pass_overhead_s : float, default 0.0002
        Fixed cost of a pass, mostly that of its acknowledgement [s].
    decide_s : float, default 0.0005
        From asking the policy to its answer, twice a pass [s].
    collect_s_per_gib : float, default 0.0004
        Time to read and clear the dirty set of a GiB of memory [s].
    arm_s_per_gib : float, default 0.012
        Time to begin tracking a GiB of memory [s].
    warm_up_s : float, default 0.15
        How long the guest has been working when the migration begins, by its own clock [s].

    Raises
    ------
    InvalidValueError
        If a setting cannot be used, or the guest is too small for the workload.

    See Also
    --------
    xlkit.backends.grid.simulate_grid : Try a whole grid of policies at once.

    Notes
    -----
    The defaults of the fixed costs are those of the live engine on a small machine; a set bandwidth hides most of them.

    Examples
    --------
    >>> from xlkit.policies import ThresholdPolicy
    >>> backend = SimBackend(workload=Uniform(rate_pages_s=5_000))
    >>> *passes, stop = backend.migrate(Migration("guest"), ThresholdPolicy(min_remaining=1_000))
    >>> [one.dirty_pages for one in passes], stop.stop_reason.value
    ([65536, 9907, 1615, 270, 51], 'min_remaining')
    """

    name = "sim"

    memory: str | int = "256MiB"
    bandwidth: str | float = "1Gbit/s"
    workload: Workload = _DEFAULT_WORKLOAD
    seed: int = 1
    noise: float = 0.0
    suspend_s: float = 1e-4
    resume_s: float = 3e-4
    pass_overhead_s: float = 2e-4
    decide_s: float = 5e-4
    collect_s_per_gib: float = 4e-4
    arm_s_per_gib: float = 1.2e-2
    warm_up_s: float = 0.15

    def __post_init__(self) -> None:
        self._memory_pages = pages(parse_bytes(self.memory))
        self._bandwidth_bytes_s = parse_bytes_s(self.bandwidth)
        self._law = DirtyingLaw(self.workload, self._memory_pages)
        self._world: World | None = None
        whole_number("seed", self.seed)
        for name in _DURATIONS:
            _check_number(name, getattr(self, name), float("inf"))
        _check_number("noise", self.noise, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the imagined guest."""
        self._world = None

    def guests(self) -> tuple[Side, ...]:
        """Tell on which sides a guest runs: on one, once there is a guest."""
        return () if self._world is None or self._world.paused else (self._world.runs_at,)

    def preflight(self, migration: Migration) -> Setup:  # noqa: ARG002 - the protocol's signature
        """Return the settings: an imagined migration cannot fail, and nothing is changed."""
        durations = {name: float(getattr(self, name)) for name in _DURATIONS}
        return Setup(
            settings={
                "memory_bytes": self._memory_pages * PAGE_BYTES,
                "bandwidth_bytes_s": self._bandwidth_bytes_s,
                "workload": to_settings(self.workload),
                "seed": int(self.seed),
                "noise": float(self.noise),
                **durations,
            },
            applied=Applied.EMBEDDED,
            origin=Origin.SIMULATED,
            clock=CLOCK_NAME,
            memory_pages=self._memory_pages,
        )

    def migrate(
        self,
        migration: Migration,  # noqa: ARG002 - the protocol's signature
        policy: Policy,
    ) -> Iterator[Iteration | RunStop]:
        """Yield each pass as it ends, then one `RunStop`, in no time at all; closing the iterator aborts."""
        world = self._world = self.world()
        yield from precopy(world, world, _Asked(policy, world), world.clock, clock_name=CLOCK_NAME)

    def world(self) -> World:
        """Make a fresh guest and its link, at the moment at which a migration begins."""
        gib = Fraction(self._memory_pages * PAGE_BYTES, 2**30)
        costs = Costs(
            bandwidth_bytes_s=Fraction(self._bandwidth_bytes_s),
            arm_ns=round(gib * _ns(self.arm_s_per_gib)),
            collect_ns=round(gib * _ns(self.collect_s_per_gib)),
            decide_ns=_ns(self.decide_s),
            pass_ns=_ns(self.pass_overhead_s),
            suspend_ns=_ns(self.suspend_s),
            resume_ns=_ns(self.resume_s),
            warm_up_ns=_ns(self.warm_up_s),
        )
        return World(self._memory_pages, self._law, costs, Jitter(self.seed, self.noise) if self.noise else None)


class _Asked:
    """A policy whose answers take time."""

    def __init__(self, policy: Policy, world: World) -> None:
        self._policy, self._world = policy, world

    def decide(self, stats: PrecopyStats) -> Decision:
        self._world.ask()
        return self._policy.decide(stats)

    def reason(self, stats: PrecopyStats) -> StopReason:
        return self._policy.reason(stats) if isinstance(self._policy, Reasoned) else StopReason.POLICY


def _ns(duration_s: float) -> int:
    return round(Fraction(duration_s) * 10**9)


def _check_number(name: str, value: object, below: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < below:
        limit = "" if below == float("inf") else f" and below {below}"
        raise InvalidValueError(f"{name} must be a number, not negative{limit}, not {value!r}.")
