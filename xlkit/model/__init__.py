"""The records: what is asked, what the policy sees, what happened. Frozen, and each field says its unit and meaning."""

from xlkit.model._asked import Migration, PrecopyStats, RunStart, Setup
from xlkit.model._fields import meaning, unit
from xlkit.model._forecast import Forecast, Range
from xlkit.model._happened import Control, DowntimePart, Event, Iteration, Run, RunStop
from xlkit.model._words import (
    Action,
    Applied,
    Decision,
    Knowledge,
    Origin,
    Phase,
    Side,
    Status,
    StopReason,
)

__all__ = [
    "Action",
    "Applied",
    "Control",
    "Decision",
    "DowntimePart",
    "Event",
    "Forecast",
    "Iteration",
    "Knowledge",
    "Migration",
    "Origin",
    "Phase",
    "PrecopyStats",
    "Range",
    "Run",
    "RunStart",
    "RunStop",
    "Setup",
    "Side",
    "Status",
    "StopReason",
    "meaning",
    "unit",
]
