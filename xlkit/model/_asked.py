"""What is asked, what the policy sees, and all that is known before the first page moves."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, fields
from datetime import datetime
from typing import Any

from xlkit.errors import InvalidValueError
from xlkit.model._fields import freeze_mappings, says
from xlkit.model._forecast import Forecast
from xlkit.model._words import Applied, Origin
from xlkit.units import PAGE_BYTES


@dataclass(frozen=True, slots=True)
class Migration:
    """What is asked: which domain goes where."""

    domain: str = field(metadata=says("name of the guest"))
    destination: str = field(default="localhost", metadata=says("host that takes the guest over"))
    _: KW_ONLY
    source: str = field(default="localhost", metadata=says("host that gives the guest away"))

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

    iteration: int = field(metadata=says("pass that is about to begin, from 0"))
    dirty_pages: int | None = field(metadata=says("pages dirty now; None right after a pass (Xen's -1)", "page"))
    total_written_pages: int = field(metadata=says("pages of the passes done so far", "page"))
    memory_pages: int | None = field(default=None, metadata=says("size of the guest", "page"))
    elapsed_s: float | None = field(
        default=None, metadata=says("end of the last pass since the start of the run; 0 before the first", "s")
    )
    last_sent_pages: int | None = field(default=None, metadata=says("pages that the last pass sent", "page"))
    last_pass_s: float | None = field(default=None, metadata=says("time that the last pass took", "s"))

    @property
    def bandwidth_bytes_s(self) -> float | None:
        """Bandwidth of the last pass [B/s], None before the first or where the pass sent nothing."""
        if not self.last_sent_pages or not self.last_pass_s:
            return None
        return self.last_sent_pages * PAGE_BYTES / self.last_pass_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a backend knows before it starts, recorded with the run; never a secret."""

    settings: Mapping[str, Any] = field(metadata=says("the backend's public settings"))
    applied: Applied = field(metadata=says("how the policy is applied"))
    origin: Origin = field(metadata=says("measured, simulated or imported"))
    clock: str = field(metadata=says("which clock the times of the run are from"))
    memory_pages: int | None = field(default=None, metadata=says("size of the guest", "page"))
    versions: Mapping[str, str] = field(default_factory=dict, metadata=says("versions of what took part"))

    def __post_init__(self) -> None:
        freeze_mappings(self, "settings", "versions")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStart:
    """All that is known before the first page moves."""

    run_id: str = field(metadata=says("name of the run; sorts by time"))
    migration: Migration = field(metadata=says("what is asked"))
    backend: str = field(metadata=says("what drives the migration"))
    policy: Any = field(metadata=says("the stop rule, as data"))
    started_at: datetime = field(metadata=says("wall clock of the machine that records, UTC"))
    setup: Setup = field(metadata=says("what the backend knew before it started"))
    labels: Mapping[str, str] = field(
        default_factory=dict, metadata=says("what the asker put on it, such as the cell of an experiment")
    )
    forecast: Forecast | None = field(default=None, metadata=says("what was expected of it"))

    def __post_init__(self) -> None:
        freeze_mappings(self, "labels")

    @property
    def origin(self) -> Origin:
        """Where the run's numbers come from."""
        return self.setup.origin
