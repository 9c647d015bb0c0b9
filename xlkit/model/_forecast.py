"""What was expected of a run before it ended."""

from dataclasses import dataclass, field

from xlkit.errors import InvalidValueError
from xlkit.model._fields import says


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A quantity that is expected: its likely value, and between which two it is thought to lie."""

    low: float = field(metadata=says("lower end of the range"))
    likely: float = field(metadata=says("value that is as likely too low as too high"))
    high: float = field(metadata=says("upper end of the range"))

    def __post_init__(self) -> None:
        if not self.low <= self.likely <= self.high:
            raise InvalidValueError(
                f"A range needs low <= likely <= high, not {self.low}, {self.likely} and {self.high}."
            )

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a run is expected to cost, each quantity as a range; None is not known."""

    model: str = field(metadata=says("name of the model that made it"))
    level: float = field(metadata=says("share of runs for which a range is meant to hold, from 0 to 1"))
    passes_known: int = field(metadata=says("passes of the run itself that were known; 0 before it began"))
    learned_from: tuple[str, ...] = field(metadata=says("names of the earlier runs it was learned from"))
    total_s: Range | None = field(default=None, metadata=says("whole run", "s"))
    downtime_s: Range | None = field(default=None, metadata=says("time during which the guest stands still", "s"))
    sent_bytes: Range | None = field(default=None, metadata=says("what goes out in all", "B"))
    live_passes: Range | None = field(default=None, metadata=says("passes sent while the guest runs"))
    final_pages: Range | None = field(
        default=None, metadata=says("set that is sent while the guest stands still", "page")
    )
