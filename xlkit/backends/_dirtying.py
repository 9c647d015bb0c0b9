"""How many distinct pages a guest dirties: the expectation of the engine's guest, step by step.

Every page is spared by a write with a known probability, so the expected number of pages dirty after a window is a sum
over stretches of pages of equal chance. Logarithms and exponentials are taken in decimal arithmetic, which rounds them
the same way on every platform; those of a C library may differ in the last digit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext
from itertools import pairwise
from typing import Final

from xlkit.engine.workload import HotCold, Idle, Stages, Steady, Sweep, Workload, first_data_page, step_period_s
from xlkit.errors import InvalidValueError

_DECIMAL: Final = Context(prec=34, traps=[])
_SURELY: Final = Decimal("-Infinity")
_REGISTER_PAGES: Final = 1


@dataclass(frozen=True, slots=True)
class _Span:
    """Data pages that share one chance to be spared, as its logarithm."""

    begin: int
    end: int
    log_spared: Decimal


@dataclass(frozen=True, slots=True)
class ImaginedPages:
    """Pages that have a number, but no content.

    Parameters
    ----------
    pages : int
        How many [page of 4096 B].
    runs : int
        In how many unbroken runs they lie.
    stretches : tuple of tuple
        Where they lie: first page, first page behind, and which share of the pages between is in the set.
    """

    pages: int
    runs: int
    stretches: tuple[tuple[int, int, float], ...] = field(default=(), repr=False, compare=False)

    def below(self, borders: Sequence[int]) -> list[int]:
        """Count, for each border, the pages of lower number [page of 4096 B]; the borders ascend."""
        counts, expected, left = [], 0.0, list(reversed(self.stretches))
        for border in borders:
            while left and left[-1][1] <= border:
                begin, end, share = left.pop()
                expected += share * (end - begin)
            part = left[-1][2] * (border - left[-1][0]) if left and left[-1][0] < border else 0.0
            # Rounded as a sum, so that the parts add up to the whole.
            counts.append(min(self.pages, int(expected + part + 0.5)))
        return [*counts[:-1], self.pages] if counts and not left else counts


class DirtyingLaw:
    """Expected number of distinct pages that a guest writes between two of its steps.

    Parameters
    ----------
    workload : Workload
        What the guest does.
    memory_pages : int
        Size of the guest [page of 4096 B].

    Raises
    ------
    InvalidValueError
        If the guest is too small for the workload.

    Notes
    -----
    A write to one of `W` pages spares a given one with probability ``1 - 1/W``, so `n` writes dirty
    ``W (1 - (1 - 1/W)**n)`` pages: the writable working set fills up, steeply at first. Each step also writes the page
    of the guest's registers.

    References
    ----------
    .. [1] C. Clark et al., "Live Migration of Virtual Machines", NSDI 2005, section 4 (writable working sets).

    Examples
    --------
    >>> from xlkit.engine.workload import Uniform
    >>> law = DirtyingLaw(Uniform(rate_pages_s=20_000), memory_pages=65_536)
    >>> law.dirty(0, 2_000)
    ImaginedPages(pages=17198, runs=12614)
    """

    def __init__(self, workload: Workload, memory_pages: int) -> None:
        self._first_data_page = first_data_page(memory_pages)
        data_pages = memory_pages - self._first_data_page
        period_s = step_period_s(workload)
        self.period_ns = round(period_s * 1e9)
        self._stretches = tuple(_stretches(workload, self.period_ns / 1e9, data_pages))

    def dirty(self, begin_step: int, end_step: int) -> ImaginedPages:
        """Tell which pages the steps of a window leave dirty.

        Parameters
        ----------
        begin_step : int
            First step of the window, from 0.
        end_step : int
            First step behind it.

        Returns
        -------
        ImaginedPages
            Distinct pages, the registers' page included; none where the window holds no step.
        """
        if end_step <= begin_step:
            return ImaginedPages(0, 0)
        with localcontext(_DECIMAL):
            spans = [span for stretch in self._stretches for span in stretch.spans(begin_step, end_step)]
            shares = list(_shares(spans))
            n_pages, n_runs = _expect(shares)
        first = self._first_data_page
        stretches = [(0, _REGISTER_PAGES, 1.0), *((first + at, first + to, float(share)) for at, to, share in shares)]
        return ImaginedPages(_REGISTER_PAGES + round(n_pages), _REGISTER_PAGES + round(n_runs), tuple(stretches))


class _Stretch:
    """The steps during which the guest does one thing."""

    def __init__(self, steady: Steady, begin_step: int, end_step: int | None, period_s: float, data_pages: int) -> None:
        self._begin_step, self._end_step = begin_step, end_step
        self._writes_a_step = 0.0 if isinstance(steady, Idle) else float(steady.rate_pages_s) * period_s
        self._working_set_pages = _working_set_pages(steady, data_pages)
        self._in_order = isinstance(steady, Sweep)
        with localcontext(_DECIMAL):
            self._parts = () if self._in_order else tuple(_parts(steady, self._working_set_pages))

    def spans(self, begin_step: int, end_step: int) -> Iterator[_Span]:
        first = max(begin_step, self._begin_step)
        behind = end_step if self._end_step is None else min(end_step, self._end_step)
        # Truncated as the guest itself counts its writes, so that both agree on every single step.
        begin, end = int(first * self._writes_a_step), int(behind * self._writes_a_step)
        if behind <= first or end <= begin:
            return
        if self._in_order:
            yield from _arc(begin, end - begin, self._working_set_pages)
        else:
            for part in self._parts:
                yield _Span(part.begin, part.end, (end - begin) * part.log_spared)


def _stretches(workload: Workload, period_s: float, data_pages: int) -> Iterator[_Stretch]:
    if not isinstance(workload, Stages):
        yield _Stretch(workload, 0, None, period_s, data_pages)
        return
    begin_step, ended_s = 0, 0.0
    for number, stage in enumerate(workload.stages, 1):
        ended_s += stage.duration_s
        end_step = round(ended_s / period_s)
        last = number == len(workload.stages)
        yield _Stretch(stage.workload, begin_step, None if last else end_step, period_s, data_pages)
        begin_step = end_step


def _working_set_pages(steady: Steady, data_pages: int) -> int:
    if isinstance(steady, Idle):
        return 0
    wanted_pages = max(steady.working_set_pages or data_pages, steady.hot_pages if isinstance(steady, HotCold) else 0)
    if wanted_pages > data_pages:
        raise InvalidValueError(
            f"The workload writes {wanted_pages} pages, the guest has {data_pages} for data. "
            "Take a smaller working set or a larger guest."
        )
    return wanted_pages


def _parts(steady: Steady, working_set_pages: int) -> Iterator[_Span]:
    """Yield the parts of the working set with the logarithm of the chance that one write spares a page of it."""
    if isinstance(steady, Idle):
        return
    hot_pages = steady.hot_pages if isinstance(steady, HotCold) else working_set_pages
    cold_pages = working_set_pages - hot_pages
    hot_share = Decimal(steady.hot_share) if isinstance(steady, HotCold) and cold_pages else Decimal(1)
    yield _Span(0, hot_pages, _log_spared(hot_share, hot_pages))
    if cold_pages:
        yield _Span(hot_pages, working_set_pages, _log_spared(1 - hot_share, cold_pages))


def _log_spared(share: Decimal, part_pages: int) -> Decimal:
    spared = 1 - share / part_pages
    return spared.ln() if spared else _SURELY


def _arc(first_write: int, writes: int, working_set_pages: int) -> Iterator[_Span]:
    begin = first_write % working_set_pages
    end = begin + min(writes, working_set_pages)
    yield _Span(begin, min(end, working_set_pages), _SURELY)
    if end > working_set_pages:
        yield _Span(0, end - working_set_pages, _SURELY)


def _shares(spans: list[_Span]) -> Iterator[tuple[int, int, Decimal]]:
    """Yield the stretches of data pages that no border of a span divides, each with the share of it that is dirty."""
    borders = sorted({border for span in spans for border in (span.begin, span.end)})
    for begin, end in pairwise(borders):
        log_spared = sum((span.log_spared for span in spans if span.begin <= begin and end <= span.end), Decimal(0))
        yield begin, end, 1 - log_spared.exp()


def _expect(shares: list[tuple[int, int, Decimal]]) -> tuple[Decimal, Decimal]:
    """Add up pages and runs."""
    n_pages = n_runs = Decimal(0)
    for begin, end, share in shares:
        n_pages += (end - begin) * share
        # A run begins at the first page, or behind a page that was spared.
        n_runs += share * (1 + (end - begin - 1) * (1 - share))
    return n_pages, n_runs
