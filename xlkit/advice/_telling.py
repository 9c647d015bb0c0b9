"""An advice in sentences, each with its numbers."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

from xlkit.model import Forecast, Range
from xlkit.policies import XEN_MAX_ITERS, XEN_MIN_REMAINING
from xlkit.units import format_bytes, format_bytes_s, format_s

if TYPE_CHECKING:
    from xlkit.advice._advice import Advice


class Verdict(StrEnum):
    """Whether the budget can be kept."""

    SURE = "sure"
    UNSURE = "unsure"
    OUT_OF_REACH = "out_of_reach"
    BELOW_FIXED_PART = "below_fixed_part"


def title(advice: "Advice") -> str:
    """Tell what was asked, and from which runs it is answered."""
    asked, count = advice.migration, len(advice.learned_from)
    runs = f"{count} {' and '.join(advice.origins)} run{'s' * (count > 1)}"
    of = f" of {advice.like}, which is taken to behave alike" if advice.like else ""
    return (
        f"{asked.domain} from {asked.source} to {asked.destination}, standing still for {format_s(advice.downtime_s)} "
        f"at most; from {runs}{of}."
    )


def sentences(advice: "Advice") -> Iterator[str]:
    """Tell what fits, whether the guest gets there, what it costs, how sure it is; or why not, and what would help."""
    yield _what_fits(advice)
    if advice.expected is None:
        yield _why_not(advice)
        yield from (one.sentence for one in advice.helps)
        yield f"Xen's default, {_default_text(advice)}."
    else:
        yield _reach(advice, advice.expected)
        yield _last_pass(advice)
        yield f"Expected: {_forecast_text(advice.expected)}. Xen's default, {_default_text(advice)}."
        yield _sureness(advice, advice.expected)
        yield (
            "The first line needs an xl that has both flags; the second gives both knobs to any host with Xen 4.14 or "
            "newer."
        )
    if advice.assumed:
        yield (
            f"No run told {', '.join(one.removesuffix('_s').replace('_', ' ') for one in advice.assumed)}: usual "
            "values stand for it, so record a migration first where it matters."
        )


def _what_fits(advice: "Advice") -> str:
    bandwidth, fixed = advice.bandwidth_bytes_s, advice.fixed_s
    measured = (
        f"{format_bytes_s(bandwidth.likely)} x ({format_s(advice.downtime_s)} - {format_s(fixed.likely)}) / "
        f"{advice.page_bytes:,.0f} B a page"
    )
    fixed_text = f"Suspend and resume alone take {_around(fixed, format_s)}"
    if advice.verdict is Verdict.BELOW_FIXED_PART:
        return f"{fixed_text}, whatever the policy: that is more than the {format_s(advice.downtime_s)} asked for."
    return f"{advice.fits_pages:,} pages fit the pause: {measured}. {fixed_text} of it."


def _why_not(advice: "Advice") -> str:
    if advice.verdict is Verdict.BELOW_FIXED_PART:
        return "No min_remaining keeps such a budget, so none is advised."
    if advice.dirtied_pages is None:
        return (
            "This guest does not get there: whatever the size of the set, it dirties pages faster than they are sent, "
            "and no number of passes ends that."
        )
    if advice.dirtied_pages <= advice.fits_pages:
        return (
            f"This guest does not get there reliably: its passes come down to about {advice.floor_pages:,.0f} pages, "
            "which is so close to what fits that it is a matter of chance. What would help, each by itself:"
        )
    return (
        f"This guest does not get there: its passes come down to about {advice.floor_pages:,.0f} pages, however many "
        f"passes there are, and while these go out and it is suspended it dirties about {advice.dirtied_pages:,.0f} "
        "others, which do not fit. What would help, each by itself:"
    )


def _reach(advice: "Advice", expected: Forecast) -> str:
    passes = "some" if expected.live_passes is None else _around(expected.live_passes, "{:.0f}".format)
    lower = ""
    if advice.min_remaining is not None and advice.min_remaining < advice.fits_pages:
        lower = f" min_remaining is set lower, to {advice.min_remaining:,}, so that the range keeps the budget, too."
    return (
        f"The guest gets there: its passes can come down to about {advice.floor_pages:,.0f} pages, and {passes} of "
        f"them are enough; max_iters {advice.max_iters} leaves a margin, as a stop by max_iters keeps no budget.{lower}"
    )


def _last_pass(advice: "Advice") -> str:
    return (
        f"min_remaining bounds the last pass that is sent while the guest runs, not the blackout: while at most "
        f"{advice.min_remaining:,} pages go out in {format_s(advice.last_pass_s)} and the guest is suspended, it "
        f"dirties up to {advice.dirtied_pages:,.0f} others, and these are what is sent while it stands still."
    )


def _default_text(advice: "Advice") -> str:
    return f"min_remaining {XEN_MIN_REMAINING}, max_iters {XEN_MAX_ITERS}: {_forecast_text(advice.by_default)}"


def _forecast_text(told: Forecast) -> str:
    parts = [
        f"{name} {_around(value, write)}"
        for name, value, write in (
            ("downtime", told.downtime_s, format_s),
            ("total", told.total_s, format_s),
            ("sent", told.sent_bytes, format_bytes),
        )
        if value is not None
    ]
    return ", ".join(parts) or "it does not end"


def _sureness(advice: "Advice", expected: Forecast) -> str:
    share, count = f"{100 * expected.level:.0f} %", len(advice.learned_from)
    rests = "one run" if count == 1 else f"{count} runs"
    if advice.verdict is Verdict.SURE:
        return (
            f"How sure: the ranges are meant to hold in {share} of runs and rest on {rests}; all of the downtime's "
            "lies within the budget. A guest whose load changes is not foreseen."
        )
    high_s = None if expected.downtime_s is None else expected.downtime_s.high
    return (
        f"Not sure: the ranges are meant to hold in {share} of runs and rest on {rests}, and that of the downtime goes "
        f"up to {format_s(high_s)}, beyond the budget."
    )


def _around(value: Range, write: Callable[[float], str]) -> str:
    low, likely, high = write(value.low), write(value.likely), write(value.high)
    return likely if low == likely == high else f"{likely} ({low} to {high})"
