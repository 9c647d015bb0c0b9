"""The records: what is asked, what the policy sees, what happened. Frozen, and each field says its unit and meaning."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, Field, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from xlkit.errors import InvalidValueError
from xlkit.units import PAGE_BYTES


class Phase(StrEnum):
    """Whether the guest ran during a pass."""

    PRECOPY = "precopy"
    STOP_AND_COPY = "stop_and_copy"


class Decision(StrEnum):
    """What a policy answers."""

    CONTINUE = "continue"
    STOP_AND_COPY = "stop_and_copy"
    ABORT = "abort"


class Status(StrEnum):
    """How a run ended; `INCOMPLETE` has lost its end, `UNDEFINED` its guest's whereabouts."""

    RUNNING = "running"
    COMPLETED = "completed"
    ABORTED = "aborted"
    FAILED = "failed"
    UNDEFINED = "undefined"
    INCOMPLETE = "incomplete"


class StopReason(StrEnum):
    """Which rule ended precopy."""

    MIN_REMAINING = "min_remaining"
    MAX_ITERS = "max_iters"
    MAX_FACTOR = "max_factor"
    DOWNTIME_BUDGET = "downtime_budget"
    NO_PROGRESS = "no_progress"
    TIME_LIMIT = "time_limit"
    POLICY = "policy"
    OPERATOR = "operator"
    ABORTED = "aborted"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Origin(StrEnum):
    """Where a run's numbers come from."""

    MEASURED = "measured"
    SIMULATED = "simulated"
    IMPORTED = "imported"


class Applied(StrEnum):
    """How the policy was applied."""

    NATIVE = "native"
    HELPER = "helper"
    BUILT_IN = "built_in"
    EMBEDDED = "embedded"
    UNKNOWN = "unknown"


class Knowledge(StrEnum):
    """How well a duration is known."""

    EXACT = "exact"
    AT_MOST = "at_most"
    AT_LEAST = "at_least"
    UNKNOWN = "unknown"


class Side(StrEnum):
    """Where the guest runs."""

    SOURCE = "source"
    DESTINATION = "destination"
    UNKNOWN = "unknown"


class Action(StrEnum):
    """What an operator did to a run that was going on."""

    SET_POLICY = "set_policy"
    STOP_NOW = "stop_now"
    ABORT = "abort"


def _says(meaning: str, unit: str = "") -> dict[str, str]:
    return {"meaning": meaning, "unit": unit}


def meaning(record_field: Field[Any]) -> str:
    """Tell what a field of a record means.

    Parameters
    ----------
    record_field : dataclasses.Field
        A field of one of the records of this module.

    Returns
    -------
    str
        One line.
    """
    return str(record_field.metadata.get("meaning", ""))


def unit(record_field: Field[Any]) -> str:
    """Tell the unit of a field of a record.

    Parameters
    ----------
    record_field : dataclasses.Field
        A field of one of the records of this module.

    Returns
    -------
    str
        The unit, empty where the field is no quantity.
    """
    return str(record_field.metadata.get("unit", ""))


@dataclass(frozen=True, slots=True)
class Migration:
    """What is asked: which domain goes where."""

    domain: str = field(metadata=_says("name of the guest"))
    destination: str = field(default="localhost", metadata=_says("host that takes the guest over"))
    _: KW_ONLY
    source: str = field(default="localhost", metadata=_says("host that gives the guest away"))

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not isinstance(value, str) or not value.strip() or value.startswith("-") or not value.isprintable():
                raise InvalidValueError(
                    f"{one.name} must be a printable name that does not begin with '-', not {value!r}."
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class PrecopyStats:
    """What a policy is shown, twice a pass: Xen's three numbers, and what the loop measured besides."""

    iteration: int = field(metadata=_says("pass that is about to begin, from 0"))
    dirty_pages: int | None = field(metadata=_says("pages dirty now; None right after a pass (Xen's -1)", "page"))
    total_written_pages: int = field(metadata=_says("pages of the passes done so far", "page"))
    memory_pages: int | None = field(default=None, metadata=_says("size of the guest", "page"))
    elapsed_s: float | None = field(
        default=None, metadata=_says("end of the last pass since the start of the run; 0 before the first", "s")
    )
    last_sent_pages: int | None = field(default=None, metadata=_says("pages that the last pass sent", "page"))
    last_pass_s: float | None = field(default=None, metadata=_says("time that the last pass took", "s"))

    @property
    def bandwidth_bytes_s(self) -> float | None:
        """Bandwidth of the last pass [B/s], None before the first or where the pass sent nothing."""
        if not self.last_sent_pages or not self.last_pass_s:
            return None
        return self.last_sent_pages * PAGE_BYTES / self.last_pass_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a backend knows before it starts, recorded with the run; never a secret."""

    settings: Mapping[str, Any] = field(metadata=_says("the backend's public settings"))
    applied: Applied = field(metadata=_says("how the policy is applied"))
    origin: Origin = field(metadata=_says("measured, simulated or imported"))
    clock: str = field(metadata=_says("which clock the times of the run are from"))
    memory_pages: int | None = field(default=None, metadata=_says("size of the guest", "page"))
    versions: Mapping[str, str] = field(default_factory=dict, metadata=_says("versions of what took part"))

    def __post_init__(self) -> None:
        _freeze_mappings(self, "settings", "versions")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStart:
    """All that is known before the first page moves."""

    run_id: str = field(metadata=_says("name of the run; sorts by time"))
    migration: Migration = field(metadata=_says("what is asked"))
    backend: str = field(metadata=_says("what drives the migration"))
    policy: Any = field(metadata=_says("the stop rule, as data"))
    started_at: datetime = field(metadata=_says("wall clock of the machine that records, UTC"))
    setup: Setup = field(metadata=_says("what the backend knew before it started"))

    @property
    def origin(self) -> Origin:
        """Where the run's numbers come from."""
        return self.setup.origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Iteration:
    """One pass over the dirty set, as it ended."""

    iteration: int = field(
        metadata=_says("number of the pass, from 0; the last carries the number at which the policy stopped")
    )
    phase: Phase = field(metadata=_says("whether the guest ran meanwhile"))
    dirty_pages: int | None = field(metadata=_says("the set that this pass set out to send", "page"))
    total_written_pages: int = field(metadata=_says("Xen's counter before the pass", "page"))
    sent_pages: int | None = field(metadata=_says("pages that went out", "page"))
    sent_bytes: int | None = field(metadata=_says("bytes that went out, headers included", "B"))
    begun_s: float = field(metadata=_says("begin of the pass since the start of the run", "s"))
    ended_s: float = field(metadata=_says("end of the pass, delivered, since the start of the run", "s"))
    decision_before: Decision | None = field(
        metadata=_says("the policy's answer before the pass; None where it was not asked")
    )
    decision_after: Decision | None = field(
        metadata=_says("the policy's answer after the pass; None where it was not asked")
    )
    collect_s: float | None = field(
        default=None, metadata=_says("time to read and clear the dirty set before the pass", "s")
    )
    heartbeat_begun_s: float | None = field(
        default=None, metadata=_says("begin of the heartbeat's first millisecond since the start of the run", "s")
    )
    heartbeat_pages: tuple[int, ...] | None = field(
        default=None, metadata=_says("pages the guest wrote, a number for each millisecond by its own clock", "page")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What an operator did, and when the loop took it up."""

    action: Action = field(metadata=_says("what was asked"))
    iteration: int = field(metadata=_says("number shown to the policy at the first call that obeyed"))
    before_pass: bool = field(metadata=_says("whether that call came before a pass (dirty count known) or after one"))
    latency_s: float = field(metadata=_says("from asking to the call that obeyed, by the asking process's clock", "s"))
    policy: Any = field(default=None, metadata=_says("the new stop rule, as data, where it was changed"))


@dataclass(frozen=True, slots=True, kw_only=True)
class DowntimePart:
    """One part of the time during which the guest stood still."""

    name: str = field(metadata=_says("what happened meanwhile"))
    duration_s: float | None = field(metadata=_says("how long it took", "s"))
    knowledge: Knowledge = field(metadata=_says("exact, bounded or unknown"))
    clock: str = field(metadata=_says("which clock it was read from; never two"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStop:
    """How a run ended: one on every way out."""

    status: Status = field(metadata=_says("how the run ended"))
    stop_reason: StopReason = field(metadata=_says("which rule ended precopy"))
    ended_s: float | None = field(default=None, metadata=_says("end since the start of the run", "s"))
    downtime_s: float | None = field(
        default=None, metadata=_says("from asking the guest to suspend until it runs again", "s")
    )
    downtime: tuple[DowntimePart, ...] = field(default=(), metadata=_says("the parts of the downtime"))
    runs_at: Side = field(default=Side.UNKNOWN, metadata=_says("where the guest runs now"))
    verified: bool | None = field(
        default=None, metadata=_says("whether both memories were proved equal; None if not tried")
    )
    message: str = field(default="", metadata=_says("for people: what happened, and what to do"))


Event = RunStart | Iteration | Control | RunStop


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What happened, whole and finished; measured, simulated and imported runs are one type."""

    start: RunStart
    iterations: tuple[Iteration, ...]
    stop: RunStop
    controls: tuple[Control, ...] = ()

    @property
    def run_id(self) -> str:
        """Name of the run."""
        return self.start.run_id

    @property
    def complete(self) -> bool:
        """Whether the run recorded its own end."""
        return self.stop.status not in {Status.RUNNING, Status.INCOMPLETE}

    def __repr__(self) -> str:
        return (
            f"<Run {self.run_id} {self.start.backend} {self.stop.status}: {len(self.iterations)} iterations, "
            f"stopped by {self.stop.stop_reason}>"
        )


def _freeze_mappings(record: object, *names: str) -> None:
    for name in names:
        object.__setattr__(record, name, MappingProxyType(dict(getattr(record, name))))
