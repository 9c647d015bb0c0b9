"""What every imported run has in common: its start, its id, and how a stop rule becomes a policy."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from xlkit.model import Migration, RunStart, Setup

PolicyFrom = Callable[[Mapping[str, Any]], Any]
"""Turns a stop rule as plain data into a policy, as `xlkit.policies.from_settings` does."""

UNKNOWN = "unknown"
NO_TIME = datetime.fromtimestamp(0, UTC)
"""Stands for the start of a run whose log tells no date; such runs sort before all others."""


def as_policy(settings: Mapping[str, Any] | None, policy_from: PolicyFrom | None) -> Any:
    """Turn a stop rule into a policy; None where there is no rule, or nobody to turn it."""
    return None if settings is None or policy_from is None else policy_from(settings)


def imported_start(
    lines: Iterable[str],
    setup: Setup,
    *,
    policy: Any = None,
    started_at: datetime | None = None,
    hosts: tuple[str, str] = (UNKNOWN, UNKNOWN),
) -> RunStart:
    """Make the start of a run from what its log tells; its id follows from the lines, so it is the same next time."""
    started_at = started_at or NO_TIME
    digest = hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
    domid = setup.settings.get("domid")
    source, destination = hosts
    return RunStart(
        run_id=f"{started_at:%Y%m%dT%H%M%S}{started_at.microsecond // 1000:03d}-{digest[:12]}",
        migration=Migration(UNKNOWN if domid is None else f"domid {domid}", destination, source=source),
        backend="xl",
        policy=policy,
        started_at=started_at,
        setup=setup,
    )
