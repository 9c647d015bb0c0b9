"""The fields of one event, checked: a file of events may be cut, edited or foreign."""

import json
import math
from collections.abc import Mapping
from typing import Any

_LARGEST = 2**62
_LATEST_S = 1e10


class BrokenEventError(ValueError):
    """A line that is no event, or an event that lacks what it should have."""


def read_event(line: str) -> dict[str, Any]:
    """Read one line; its time is checked, its other fields are not."""
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BrokenEventError(f"It is no JSON ({error}).") from error
    if not isinstance(facts, dict) or not isinstance(facts.get("event"), str):
        raise BrokenEventError("It is no event: a JSON object with a text `event`.")
    seconds(facts, "t")
    return facts


def count(facts: Mapping[str, Any], name: str, *, least: int = 0) -> int:
    """Take a whole number out of an event."""
    value = facts.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _LARGEST:
        raise BrokenEventError(
            f"`{name}` of {facts['event']!r} must be a whole number from {least} on, not {value!r:.40}."
        )
    return value


def seconds(facts: Mapping[str, Any], name: str) -> float:
    """Take a time out of an event [s]."""
    value = facts.get(name)
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not math.isfinite(value)
        or abs(value) > _LATEST_S
    ):
        raise BrokenEventError(f"`{name}` of {facts['event']!r} must be a time in seconds, not {value!r:.40}.")
    return float(value)
