"""Whether the guest converged: the shape of its dirty sets, and the floor of its dirty curve at a bandwidth."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from math import sqrt
from typing import Final

from xlkit.diagnosis._anomalies import sound
from xlkit.diagnosis._finding import Finding, Kind
from xlkit.diagnosis.story import live_passes, pages_text
from xlkit.errors import InvalidValueError
from xlkit.forecasts import Learned, learn
from xlkit.model import Run
from xlkit.units import PAGE_BYTES, format_bytes_s, format_s

CONVERGED_SHARE: Final = 0.1
SHRINKING: Final = 0.8
GROWING: Final = 1.25
_FEWEST_SETS: Final = 3
_GAIN: Final = 0.9
_STALL_PASSES: Final = 3
_WINDOWS_APART: Final = 1.5
_STEADY: Final = 0.5

_Sets = Sequence[tuple[int, int]]


class Shape(StrEnum):
    """How the dirty sets went."""

    CONVERGED = "converged"
    CONVERGING = "converging"
    FLAT_LINED = "flat_lined"
    DIVERGED = "diverged"
    TOO_SHORT = "too_short"
    UNKNOWN = "unknown"


def shape_of(sets_pages: Sequence[int]) -> Shape:
    """Name the shape of the sets read after pass 0, in their order."""
    if not sets_pages:
        return Shape.TOO_SHORT
    sets = [max(pages, 1) for pages in sets_pages]
    if len(sets) > 1 and sets[-1] <= CONVERGED_SHARE * sets[0]:
        return Shape.CONVERGED
    if len(sets) < _FEWEST_SETS:
        return Shape.TOO_SHORT
    trend = sqrt(sets[-1] / sets[-3])
    if trend <= SHRINKING:
        return Shape.CONVERGING
    if sets[-1] > sets[0] and (trend >= GROWING or sets[-1] >= GROWING * sets[0]):
        return Shape.DIVERGED
    return Shape.FLAT_LINED


def convergence(run: Run) -> Iterator[Finding]:
    """Tell whether the dirty set came down, and how far it can come down at all."""
    live = live_passes(run)
    if not sound(run):
        told = "Whether the guest converged cannot be told from numbers that contradict each other (see below)."
        yield _finding(told, shape=str(Shape.UNKNOWN))
        return
    sets = [(one.iteration, one.dirty_pages) for one in live if one.iteration and one.dirty_pages is not None]
    shape = shape_of([pages for _, pages in sets])
    facts = {"shape": str(shape), "sets_pages": [pages for _, pages in sets]}
    if not sets and run.start.setup.settings.get("iterations") == "unknown":
        told = "The log tells no iterations, so nothing says whether the guest converged."
        yield _finding(told, **facts | {"shape": str(Shape.UNKNOWN)})
        return
    yield _finding(_told(shape, sets), **facts)
    yield from _floor(run, sets)


def _told(shape: Shape, sets: _Sets) -> str:
    if shape is Shape.TOO_SHORT:
        return _too_short(sets)
    (first, most), (last, pages) = sets[0], sets[-1]
    from_to = f"from {pages_text(most)} before pass {first} to {pages:,} before pass {last}"
    recent = [one for _, one in sets[-_FEWEST_SETS:]]
    if shape is Shape.CONVERGED:
        return f"Converged: the dirty set came down {from_to}, a tenth or less.{_stall(sets)}"
    if shape is Shape.CONVERGING:
        percent = 100 * sqrt(max(recent[-1], 1) / max(recent[0], 1))
        return (
            f"Still converging when precopy ended: the dirty set came down {from_to}, each of the last two passes to "
            f"about {percent:.0f} % of the one before.{_stall(sets)}"
        )
    if shape is Shape.DIVERGED:
        return f"Diverged: the dirty set grew {from_to}; the guest writes faster than its pages are sent."
    return (
        f"Flat-lined: over the last {len(recent)} passes the dirty set stayed between {min(recent):,} and "
        f"{pages_text(max(recent))}, after {most:,} before pass {first}; further passes would have sent the same again."
    )


def _too_short(sets: _Sets) -> str:
    count = {0: "no set was read", 1: "one set was read"}.get(len(sets), f"{len(sets)} sets were read")
    of = f", of {' and '.join(f'{pages:,}' for _, pages in sets)} pages" if sets else ""
    return f"Too short to tell whether the guest converges: {count} after pass 0{of}."


def _stall(sets: _Sets) -> str:
    """Tell of the longest stretch in which the smallest set so far was not undercut."""
    least, since, longest = sets[0][1], 0, (0, 0)
    for at, (_, pages) in enumerate(sets):
        if pages <= _GAIN * least:
            least, since = pages, at
        longest = max(longest, (at - since, since))
    length, since = longest
    if length < _STALL_PASSES:
        return ""
    stretch = sets[since : since + length + 1]
    return (
        f" On the way it came down no further from pass {stretch[0][0]} to pass {stretch[-1][0]}, at "
        f"{min(one for _, one in stretch):,} to {pages_text(max(one for _, one in stretch))}."
    )


def _floor(run: Run, sets: _Sets) -> Iterator[Finding]:
    """Tell to which set precopy comes down at the bandwidth measured, however many passes it makes."""
    try:
        learned = learn(run)
    except InvalidValueError:
        return
    windows_s = [one.window_s for one in learned.seen]
    if len(windows_s) < _FEWEST_SETS or max(windows_s) < _WINDOWS_APART * min(windows_s):
        return
    bytes_s, floor_pages = _floor_pages(learned)
    rate, facts = (
        format_bytes_s(learned.bandwidth_bytes_s.likely),
        {"floor_pages": floor_pages, "bandwidth_bytes_s": bytes_s},
    )
    if floor_pages >= learned.memory_pages:
        told = (
            f"At the {rate} that its passes went at, this guest dirties more than a pass sends whatever the size of "
            "the set: no number of passes ends that."
        )
    else:
        copy_s = floor_pages * PAGE_BYTES / bytes_s
        told = (
            f"At the {rate} that its passes went at, a pass dirties as many pages as it sends at about "
            f"{pages_text(round(floor_pages))}, {format_s(copy_s)} of the link: no number of passes brings the set "
            "lower for long."
        )
    least = min((pages for _, pages in sets), default=None)
    if least is not None and least < _STEADY * floor_pages:
        told += f" Yet one set came down to {pages_text(least)}, so the guest did not write at a steady rate."
    yield Finding(kind=Kind.FLOOR, sentence=told, facts=facts)


def _floor_pages(learned: Learned) -> tuple[float, float]:
    """Give the bandwidth for pages [B/s], and the floor."""
    bytes_s = learned.bandwidth_bytes_s.likely * PAGE_BYTES / learned.page_bytes
    beside_s = learned.pass_s.likely + learned.wait_s.likely + learned.collect_s.likely
    return bytes_s, learned.curve.floor_pages(bytes_s, pass_s=beside_s)


def _finding(sentence: str, **facts: object) -> Finding:
    return Finding(kind=Kind.CONVERGENCE, sentence=sentence, facts=facts)
