"""What a guest does with its memory: settings only, the same for the live engine and the simulator."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

from xlkit.errors import InvalidValueError


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """A guest that writes nothing but its step counter."""

    name: ClassVar[str] = "idle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform:
    """Writes spread evenly over the writable working set.

    Parameters
    ----------
    rate_pages_s : float
        Writes, each to one page [page/s].
    working_set_pages : int, optional
        Pages that are ever written [page of 4096 B]; all data pages of the guest when not given.
    """

    name: ClassVar[str] = "uniform"
    rate_pages_s: float
    working_set_pages: int | None = None

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Writes that walk through the writable working set in order, again and again.

    Parameters
    ----------
    rate_pages_s : float
        Writes, each to one page [page/s].
    working_set_pages : int, optional
        Pages that are ever written [page of 4096 B]; all data pages of the guest when not given.
    """

    name: ClassVar[str] = "sweep"
    rate_pages_s: float
    working_set_pages: int | None = None

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class HotCold:
    """Most writes go to a few hot pages, the others to the rest of the working set.

    Parameters
    ----------
    rate_pages_s : float
        Writes, each to one page [page/s].
    hot_pages : int
        Size of the hot part, at the start of the working set [page of 4096 B].
    hot_share : float
        Share of the writes that go to the hot part, from 0 to 1.
    working_set_pages : int, optional
        Pages that are ever written, hot part included [page of 4096 B]; all data pages of the guest when not given.
    """

    name: ClassVar[str] = "hotcold"
    rate_pages_s: float
    hot_pages: int
    hot_share: float = 0.9
    working_set_pages: int | None = None

    def __post_init__(self) -> None:
        _check(self)
        if not 0 <= self.hot_share <= 1:
            raise InvalidValueError(f"hot_share must lie between 0 and 1, not {self.hot_share!r}.")
        if self.hot_pages < 1 or (self.working_set_pages is not None and self.hot_pages > self.working_set_pages):
            raise InvalidValueError(f"hot_pages must lie between 1 and the working set, not {self.hot_pages!r}.")


Steady = Idle | Uniform | Sweep | HotCold


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stretch of a workload that changes.

    Parameters
    ----------
    duration_s : float
        How long it lasts, by the guest's clock [s].
    workload : Idle, Uniform, Sweep or HotCold
        What the guest does meanwhile.
    """

    duration_s: float
    workload: Steady

    def __post_init__(self) -> None:
        if not 0 < self.duration_s < float("inf"):
            raise InvalidValueError(f"duration_s must be above zero, not {self.duration_s!r}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """Workloads one after the other; the last one goes on for ever.

    Parameters
    ----------
    stages : tuple of Stage
        At least one.
    """

    name: ClassVar[str] = "stages"
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.stages) <= MAX_STAGES:
            raise InvalidValueError(f"A workload has 1 to {MAX_STAGES} stages, not {len(self.stages)}.")


Workload = Steady | Stages
MAX_STAGES = 32
MIN_MEMORY_PAGES = 64
_KINDS: dict[str, type[Idle | Uniform | Sweep | HotCold]] = {
    kind.name: kind for kind in (Idle, Uniform, Sweep, HotCold)
}
NAMES = (*_KINDS, Stages.name)


def to_settings(workload: Workload) -> dict[str, Any]:
    """Turn a workload into plain data that JSON can hold.

    Parameters
    ----------
    workload : Workload
        Any of the workloads of this module.

    Returns
    -------
    dict
        Its fields, and its ``name``.

    Examples
    --------
    >>> to_settings(Uniform(rate_pages_s=1000))
    {'name': 'uniform', 'rate_pages_s': 1000, 'working_set_pages': None}
    """
    if isinstance(workload, Stages):
        stages = [
            {"duration_s": stage.duration_s, "workload": to_settings(stage.workload)} for stage in workload.stages
        ]
        return {"name": workload.name, "stages": stages}
    return {"name": workload.name, **asdict(workload)}


def from_settings(settings: Mapping[str, Any]) -> Workload:
    """Turn plain data back into the workload it came from.

    Parameters
    ----------
    settings : mapping
        What `to_settings` returned.

    Returns
    -------
    Workload
        An equal workload.

    Raises
    ------
    InvalidValueError
        If the name is unknown or a field is missing, unknown or out of range.

    Examples
    --------
    >>> from_settings({"name": "sweep", "rate_pages_s": 500.0})
    Sweep(rate_pages_s=500.0, working_set_pages=None)
    """
    rest = dict(settings)
    name = rest.pop("name", None)
    if name == Stages.name:
        return Stages(stages=tuple(_stage(stage) for stage in rest["stages"]))
    if name not in _KINDS:
        raise InvalidValueError(f"Unknown workload {name!r}; there are {', '.join(NAMES)}.")
    kind = _KINDS[name]
    unknown = set(rest) - {field.name for field in fields(kind)}
    if unknown:
        raise InvalidValueError(f"A {name} workload has no {', '.join(sorted(unknown))}.")
    try:
        return kind(**rest)
    except TypeError as error:
        raise InvalidValueError(f"A {name} workload needs other settings: {error}.") from error


def first_data_page(memory_pages: int) -> int:
    """Tell where a guest's data begins: behind its registers (page 0) and its table of random numbers.

    Parameters
    ----------
    memory_pages : int
        Size of the guest [page of 4096 B].

    Returns
    -------
    int
        Number of the first data page; the table takes a power of two of pages, at most a sixteenth of the guest and
        4 MiB.

    Raises
    ------
    InvalidValueError
        If the guest is smaller than `MIN_MEMORY_PAGES`.

    Examples
    --------
    >>> first_data_page(65536)
    1025
    """
    if memory_pages < MIN_MEMORY_PAGES:
        raise InvalidValueError(f"A guest needs at least {MIN_MEMORY_PAGES} pages, not {memory_pages}.")
    return 1 + min(1024, 1 << ((memory_pages // 16).bit_length() - 1))


def step_period_s(workload: Workload) -> float:
    """Choose how often the guest takes a step.

    A step writes its pages at once, so a long period lets even a guest that converges show more dirty pages than
    `min_remaining`: at most ten pages a step, as far as an interpreter keeps up.

    Parameters
    ----------
    workload : Workload
        The fastest stage counts.

    Returns
    -------
    float
        Time between two steps [s], 0.2 to 1 ms.

    Examples
    --------
    >>> step_period_s(Uniform(rate_pages_s=20_000))
    0.0005
    """
    steady = [stage.workload for stage in workload.stages] if isinstance(workload, Stages) else [workload]
    fastest_pages_s = max(0.0 if isinstance(one, Idle) else one.rate_pages_s for one in steady)
    return min(1e-3, max(2e-4, 10 / fastest_pages_s)) if fastest_pages_s else 1e-3


def _stage(settings: Mapping[str, Any]) -> Stage:
    inner = from_settings(settings["workload"])
    if isinstance(inner, Stages):
        raise InvalidValueError("A stage cannot hold stages.")
    return Stage(duration_s=settings["duration_s"], workload=inner)


def _check(workload: Uniform | Sweep | HotCold) -> None:
    if not 0 <= workload.rate_pages_s < float("inf"):
        raise InvalidValueError(f"rate_pages_s must not be negative, got {workload.rate_pages_s!r}.")
    if workload.working_set_pages is not None and workload.working_set_pages < 1:
        raise InvalidValueError(f"working_set_pages must be at least 1, not {workload.working_set_pages!r}.")
