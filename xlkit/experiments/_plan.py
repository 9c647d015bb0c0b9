"""What an experiment asks: data only, checked when it is made."""

import hashlib
import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Final

from xlkit.errors import InvalidValueError
from xlkit.model import Migration
from xlkit.policies import RecordedPolicy, ThresholdPolicy, to_settings, to_text
from xlkit.protocols import Backend, Policy
from xlkit.units import whole_number

MakeBackend = Callable[..., Backend]
"""Makes a fresh backend; is given ``seed=``."""

FEWEST_FOR_INTERVAL: Final = 3
_QUANTITIES: Final = ("downtime_s", "total_s")
_DIGEST_LENGTH: Final = 12
# What decides how a run comes out. How many runs there are may change and the experiment goes on.
_DECIDING: Final = ("policies", "workloads", "migration", "seed", "settle_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What an experiment may cost; None is no limit.

    Parameters
    ----------
    runs : int, optional
        Most runs that are begun, failed ones among them, over all sittings.
    wall_s : float, optional
        How long one sitting may take, by this machine's monotonic clock [s].
    downtime_s : float, optional
        How long the guest may stand still in all, over all sittings [s].
    first_downtime_s : float, optional
        What the first run of a cell is taken to cost at least [s].

    Raises
    ------
    InvalidValueError
        If one is negative or no number.

    Notes
    -----
    A run is begun only if what is left covers the *worst known* cost of its cell; for a cell that has not run yet, the
    worst of the experiment so far, or `first_downtime_s` where that is more; where neither is known, the run is begun
    if anything is left. A run that does not tell its downtime, having failed or lost its watcher, is charged the
    worst known. So a budget is passed only by a run that costs more than every one before it did, and never twice. A
    run that is going on when the time is over is allowed to finish: to abort it would waste what the guest suffered.
    """

    runs: int | None = None
    wall_s: float | None = None
    downtime_s: float | None = None
    first_downtime_s: float | None = None

    def __post_init__(self) -> None:
        if self.runs is not None:
            whole_number("budget.runs", self.runs)
        for name in ("wall_s", "downtime_s", "first_downtime_s"):
            if getattr(self, name) is not None:
                _check_number(f"budget.{name}", getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStop:
    """When a cell has told enough: the interval of its mean is tight.

    Parameters
    ----------
    of : {"downtime_s", "total_s"}, default "downtime_s"
        Which quantity.
    half_width : float, default 0.05
        Half the width of Student's t interval, as a share of the mean, at which the cell is done.
    level : float, default 0.95
        Level of the interval, between 0 and 1.
    fewest : int, default 3
        Completed runs that a cell has at least.

    Raises
    ------
    InvalidValueError
        If one is out of range.
    """

    of: str = "downtime_s"
    half_width: float = 0.05
    level: float = 0.95
    fewest: int = FEWEST_FOR_INTERVAL

    def __post_init__(self) -> None:
        if self.of not in _QUANTITIES:
            raise InvalidValueError(f"early_stop.of must be one of {', '.join(_QUANTITIES)}, not {self.of!r}.")
        _check_number("early_stop.half_width", self.half_width)
        _check_number("early_stop.level", self.level)
        if not 0 < self.level < 1:
            raise InvalidValueError(f"early_stop.level must lie between 0 and 1, not {self.level!r}.")
        if whole_number("early_stop.fewest", self.fewest) < FEWEST_FOR_INTERVAL:
            raise InvalidValueError(f"early_stop.fewest must be {FEWEST_FOR_INTERVAL} or more, not {self.fewest}.")


@dataclass(frozen=True, slots=True)
class Cell:
    """One policy under one workload.

    Parameters
    ----------
    policy : Policy
        When precopy ends.
    workload : str
        Name of the workload.
    digest : str
        Of all that decides how its runs come out.
    """

    policy: Policy
    workload: str
    digest: str

    @property
    def name(self) -> str:
        """What a reader calls it, such as ``busy | threshold(min_remaining=50, max_iters=5)``."""
        return f"{self.workload} | {to_text(self.policy)}"


@dataclass(frozen=True, slots=True)
class Planned:
    """One run that a plan asks for.

    Parameters
    ----------
    cell : Cell
        Policy and workload.
    repetition : int
        Number of the block that it belongs to, from 0.
    seed : int
        Seed of the guest, derived from the plan's, the cell and the repetition.
    """

    cell: Cell
    repetition: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An experiment as data: policies x workloads x repetitions, and what it may cost.

    Parameters
    ----------
    name : str
        Name of the experiment; runs of one name in one store belong together.
    policies : iterable of Policy
        At least one; ``Plan.grid`` makes those of a grid of the two knobs.
    workloads : mapping of str to mapping, or iterable of str
        At least one name; the settings are for whoever makes the backends (see `backends`).
    repetitions : int, default 5
        How often each cell is run, which is the number of blocks.
    settle_s : float, default 0.0
        Pause before each run but the first [s]; simulated runs need none and have none.
    seed : int, default 1
        Of the order within the blocks, and of the guests.
    migration : Migration, default Migration("guest")
        Which domain goes where; a domain that outlives its migration goes to and fro between the two hosts.
    budget : Budget, optional
        What it may cost.
    early_stop : EarlyStop, optional
        When a cell has told enough; every cell has all its repetitions when not given.
    description : str, default ""
        For readers.

    Raises
    ------
    InvalidValueError
        If one cannot be used, or a policy comes twice.

    See Also
    --------
    xlkit.experiments.read_plan : Read one from a file.

    Examples
    --------
    >>> plan = Plan(name="demo", policies=Plan.grid([50, 500], [5, 30]), workloads=["steady"], repetitions=2)
    >>> len(plan.cells()), len(plan.order())
    (4, 8)
    """

    name: str
    policies: Iterable[Policy]
    workloads: Mapping[str, Mapping[str, Any]] | Iterable[str]
    repetitions: int = 5
    settle_s: float = 0.0
    seed: int = 1
    migration: Migration = field(default=Migration("guest"))
    budget: Budget = field(default=Budget())
    early_stop: EarlyStop | None = None
    description: str = ""

    def __post_init__(self) -> None:
        _check_name("name", self.name)
        named = self.workloads if isinstance(self.workloads, Mapping) else {name: {} for name in self.workloads}
        frozen = {name: MappingProxyType(dict(settings)) for name, settings in named.items()}
        object.__setattr__(self, "policies", tuple(self.policies))
        object.__setattr__(self, "workloads", MappingProxyType(frozen))
        for name in frozen:
            _check_name("the name of a workload", name)
        if whole_number("repetitions", self.repetitions) < 1:
            raise InvalidValueError("repetitions must be 1 or more, not 0.")
        whole_number("seed", self.seed)
        _check_number("settle_s", self.settle_s)
        _check_policies(self.policies)
        if not frozen:
            raise InvalidValueError("A plan needs a workload: there is none.")

    @staticmethod
    def grid(min_remaining: Iterable[int], max_iters: Iterable[int]) -> tuple[ThresholdPolicy, ...]:
        """Make Xen's rule for every pair of the two knobs.

        Parameters
        ----------
        min_remaining : iterable of int
            Values of the first knob [page of 4096 B].
        max_iters : iterable of int
            Values of the second knob.

        Returns
        -------
        tuple of ThresholdPolicy
            `max_iters` fastest.

        Examples
        --------
        >>> len(Plan.grid([50, 500], [5, 30]))
        4
        """
        passes = tuple(max_iters)
        return tuple(ThresholdPolicy(min_remaining=few, max_iters=most) for few in min_remaining for most in passes)

    def cells(self) -> tuple[Cell, ...]:
        """List the cells, workload by workload.

        Returns
        -------
        tuple of Cell
            Every policy under every workload.
        """
        shared = {"migration": _plain(self.migration), "seed": self.seed, "settle_s": self.settle_s}
        return tuple(
            Cell(policy, name, _digest(shared | {"policy": to_settings(policy), "workload": [name, dict(settings)]}))
            for name, settings in self.workloads.items()  # type: ignore[union-attr] # a mapping since it was made
            for policy in self.policies
        )

    def order(self) -> tuple[Planned, ...]:
        """List the runs in their order: blocks, each of which holds every cell once, shuffled in itself.

        Returns
        -------
        tuple of Planned
            All runs; a longer plan begins with the same ones.

        References
        ----------
        .. [1] R. A. Fisher, "The Arrangement of Field Experiments", J. Ministry of Agriculture 33, 1926: randomised
               blocks, so that drift favours no treatment.
        """
        planned: list[Planned] = []
        for repetition in range(self.repetitions):
            cells = list(self.cells())
            random.Random(f"{self.seed}/{repetition}").shuffle(cells)  # noqa: S311 - an order, and no secret
            planned += [Planned(cell, repetition, _seed(self.seed, cell, repetition)) for cell in cells]
        return tuple(planned)

    @property
    def digest(self) -> str:
        """Digest of all that decides how runs come out; repetitions, budget and early stop may change."""
        data = self.to_data()
        return _digest({name: data[name] for name in _DECIDING})

    def to_data(self) -> dict[str, Any]:
        """Turn the plan into plain data, which `xlkit.experiments.plan_from_data` turns back.

        Returns
        -------
        dict
            What JSON and TOML can hold.
        """
        data = {one.name: _plain(getattr(self, one.name)) for one in fields(self)}
        return {name: value for name, value in data.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return [to_settings(one) if isinstance(one, Policy) else _plain(one) for one in value]
    if isinstance(value, Budget | EarlyStop | Migration):
        known = {one.name: getattr(value, one.name) for one in fields(value) if one.name != "_"}
        return {name: one for name, one in known.items() if one is not None}
    return value


def _digest(data: object) -> str:
    text = json.dumps(data, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]


def _seed(seed: int, cell: Cell, repetition: int) -> int:
    told = hashlib.sha256(f"{seed}/{cell.digest}/{repetition}".encode()).digest()
    return int.from_bytes(told[:4], "big")


def _check_policies(policies: Iterable[Policy]) -> None:
    seen: set[str] = set()
    for policy in policies:
        if isinstance(policy, RecordedPolicy) or not isinstance(policy, Policy):
            raise InvalidValueError(f"A policy must have decide(stats), as ThresholdPolicy() has, not {policy!r}.")
        if to_text(policy) in seen:
            raise InvalidValueError(f"The policy {to_text(policy)} comes twice in the plan.")
        seen.add(to_text(policy))
    if not seen:
        raise InvalidValueError("A plan needs a policy: there is none.")


def _check_name(what: str, name: object) -> None:
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise InvalidValueError(f"{what} must be printable text, not {name!r}.")


def _check_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise InvalidValueError(f"{name} must be a number, not negative, not {value!r}.")
