"""When precopy ends: Xen's rule, and the other rules in the wild.

Each policy is data: a frozen dataclass, stored with the run, carried to the host, and replayed afterwards.
"""

from xlkit.policies._budgets import DowntimeBudgetPolicy, NoProgressPolicy, TimeLimitPolicy
from xlkit.policies._data import POLICIES, RecordedPolicy, from_settings, to_settings, to_text
from xlkit.policies._rule import XEN_MAX_ITERS, XEN_MIN_REMAINING
from xlkit.policies._xen import LegacyXenPolicy, SusePolicy, ThresholdPolicy, XcpNgPolicy, XenServerPolicy

__all__ = [
    "POLICIES",
    "XEN_MAX_ITERS",
    "XEN_MIN_REMAINING",
    "DowntimeBudgetPolicy",
    "LegacyXenPolicy",
    "NoProgressPolicy",
    "RecordedPolicy",
    "SusePolicy",
    "ThresholdPolicy",
    "TimeLimitPolicy",
    "XcpNgPolicy",
    "XenServerPolicy",
    "from_settings",
    "to_settings",
    "to_text",
]
