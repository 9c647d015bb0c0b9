"""Policies as plain data, and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from types import MappingProxyType
from typing import Any

from xlkit.errors import InvalidValueError
from xlkit.model import Decision, PrecopyStats
from xlkit.policies._budgets import DowntimeBudgetPolicy, NoProgressPolicy, TimeLimitPolicy
from xlkit.policies._xen import LegacyXenPolicy, SusePolicy, ThresholdPolicy, XcpNgPolicy, XenServerPolicy


@dataclass(frozen=True, slots=True)
class RecordedPolicy:
    """The settings of a policy that this installation does not know; it cannot decide.

    Parameters
    ----------
    name : str
        Name of the policy in the record.
    settings : mapping
        Its settings in the record.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", MappingProxyType(dict(self.settings)))

    def decide(self, stats: PrecopyStats) -> Decision:  # noqa: ARG002 - the protocol's signature
        """Refuse: the rule itself was not recorded."""
        raise InvalidValueError(f"The policy {self.name!r} is not known here; only its settings were recorded.")


_KINDS = (
    ThresholdPolicy,
    SusePolicy,
    LegacyXenPolicy,
    XenServerPolicy,
    XcpNgPolicy,
    DowntimeBudgetPolicy,
    NoProgressPolicy,
    TimeLimitPolicy,
)
POLICIES: Mapping[str, type] = MappingProxyType({kind.name: kind for kind in _KINDS})


def to_settings(policy: object) -> dict[str, Any]:
    """Turn a policy into plain data that JSON can hold.

    Parameters
    ----------
    policy : Policy
        Any policy; of one that is no dataclass only the name is kept. None is that of a log which does not tell it.

    Returns
    -------
    dict
        Its fields, and its ``name``.

    Examples
    --------
    >>> from xlkit.policies import ThresholdPolicy
    >>> to_settings(ThresholdPolicy(min_remaining=500))
    {'name': 'threshold', 'min_remaining': 500, 'max_iters': 5}
    """
    if policy is None:
        return {"name": "unknown"}
    if isinstance(policy, RecordedPolicy):
        return {"name": policy.name, **policy.settings}
    settings = {one.name: getattr(policy, one.name) for one in fields(policy)} if is_dataclass(policy) else {}
    return {"name": getattr(policy, "name", type(policy).__name__), **settings}


def to_text(policy: object) -> str:
    """Write a policy for a reader.

    Parameters
    ----------
    policy : Policy
        Any policy.

    Returns
    -------
    str
        Its name and settings on one line.

    Examples
    --------
    >>> from xlkit.policies import ThresholdPolicy
    >>> to_text(ThresholdPolicy(min_remaining=500))
    'threshold(min_remaining=500, max_iters=5)'
    """
    settings = to_settings(policy)
    name = settings.pop("name")
    return f"{name}({', '.join(f'{key}={value}' for key, value in settings.items())})"


def from_settings(settings: Mapping[str, Any]) -> Any:
    """Turn plain data back into the policy it came from.

    Parameters
    ----------
    settings : mapping
        What `to_settings` returned.

    Returns
    -------
    Policy
        An equal policy, or a `RecordedPolicy` where the name is not known or its settings do not fit this version.

    Examples
    --------
    >>> from_settings({"name": "threshold", "min_remaining": 500, "max_iters": 5})
    ThresholdPolicy(min_remaining=500, max_iters=5)
    """
    rest = dict(settings)
    name = str(rest.pop("name", "unknown"))
    if name not in POLICIES:
        return RecordedPolicy(name, rest)
    try:
        return POLICIES[name](**rest)
    except (TypeError, ValueError):
        return RecordedPolicy(name, rest)
