"""The account of a pause: how many pages fit it, what the guest dirties meanwhile, whether it gets there at all."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import floor, sqrt
from typing import Final

from xlkit.forecasts import Learned
from xlkit.units import PAGE_BYTES, UINT32_MAX

ABOVE_FLOOR: Final = 1.05
"""So far above its floor a set is reached in a few passes; the floor itself is only approached."""
_DEVIATIONS: Final = 3.0
"""What is said to help leaves room for small sets, which scatter about the curve by chance alone."""
_BISECTIONS: Final = 60
_MOST_TIMES: Final = 1e4


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a pause budget buys on a pair of hosts, with the likely values of what was learned.

    Parameters
    ----------
    learned : Learned
        What the runs taught.
    budget_s : float
        How long the guest may stand still [s].
    faster : float, default 1.0
        By which factor the link is faster than it was.
    slower : float, default 1.0
        By which factor the guest writes less often than it did.
    """

    learned: Learned
    budget_s: float
    faster: float = 1.0
    slower: float = 1.0

    @property
    def bytes_s(self) -> float:
        """Bandwidth [B/s]."""
        return self.learned.bandwidth_bytes_s.likely * self.faster

    @property
    def page_s(self) -> float:
        """Time that a page takes on the link [s]."""
        return self.learned.page_bytes / self.bytes_s

    @property
    def fixed_s(self) -> float:
        """Downtime beside the transfer of the final set [s]."""
        return self.learned.fixed_downtime_s.likely

    @property
    def fits_pages(self) -> int:
        """Pages that fit the budget, zero or less where the fixed part alone exceeds it [page of 4096 B]."""
        return floor((self.budget_s - self.fixed_s) / self.page_s)

    @property
    def floor_pages(self) -> float:
        """Set to which precopy comes down, however many passes it makes [page]."""
        learned = self.learned
        beside_s = learned.pass_s.likely + learned.wait_s.likely + learned.collect_s.likely
        # Who writes half as often dirties in a window what it did in half of it, which is a link that is twice as fast.
        paged_bytes_s = PAGE_BYTES / self.page_s * self.slower
        return learned.curve.floor_pages(paged_bytes_s, pass_s=beside_s / self.slower)

    def dirtied_pages(self, last_pages: int) -> float:
        """Tell what is dirtied while the last live pass goes out and the guest is suspended [page]."""
        learned = self.learned
        beside_s = learned.collect_s.likely + learned.pass_s.likely + learned.suspend_s.likely
        return float(learned.curve.pages((last_pages * self.page_s + beside_s) / self.slower))

    def downtime_s(self, last_pages: int) -> float:
        """Tell how long the guest stands still after a last live pass of so many pages [s]."""
        return self.fixed_s + self.dirtied_pages(last_pages) * self.page_s

    @property
    def min_remaining(self) -> int | None:
        """The largest threshold within what fits whose blackout keeps the budget; None where there is none."""
        most = min(self.fits_pages, UINT32_MAX)
        if most < 1 or self.downtime_s(0) > self.budget_s:
            return None
        if self.downtime_s(most) <= self.budget_s:
            return most
        low, high = 0, most
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.downtime_s(middle) <= self.budget_s else (low, middle)
        return low or None

    @property
    def within_reach(self) -> bool:
        """Whether the guest gets below a threshold that keeps the budget."""
        least = self.min_remaining
        return least is not None and least >= ABOVE_FLOOR * self.floor_pages and least > 1

    @property
    def safely_within_reach(self) -> bool:
        """Whether it does so although small sets scatter."""
        least, bottom = self.min_remaining, self.floor_pages
        return least is not None and least >= ABOVE_FLOOR * bottom + _DEVIATIONS * sqrt(bottom) and least > 1


def least_faster(account: Account) -> float | None:
    """Find by which factor the link must be faster; None where no link is fast enough."""
    return _least(lambda factor: replace(account, faster=factor).safely_within_reach, 1.0, _MOST_TIMES)


def least_slower(account: Account) -> float | None:
    """Find by which factor the guest must write less often; None where that alone does not help."""
    return _least(lambda factor: replace(account, slower=factor).safely_within_reach, 1.0, _MOST_TIMES)


def least_budget_s(account: Account) -> float | None:
    """Find the least budget that the guest as it is can keep [s]; None where it never comes down."""
    learned = account.learned
    most_s = account.fixed_s + 2 * learned.memory_pages * account.page_s
    return _least(lambda budget_s: replace(account, budget_s=budget_s).safely_within_reach, account.fixed_s, most_s)


def _least(suffices: Callable[[float], bool], low: float, high: float) -> float | None:
    if not suffices(high):
        return None
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return high
