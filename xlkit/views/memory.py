"""Where in the guest the pages of each pass lie, and how often they went out."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any, Final

from xlkit import frames
from xlkit.model import Iteration, Phase, Run
from xlkit.precopy import borders
from xlkit.units import PAGE_BYTES
from xlkit.views.facts import as_runs, labels
from xlkit.views.template import Figure, folded

if TYPE_CHECKING:
    from pandas import DataFrame

MOST_RUNS: Final = 3
MOST_STEPS: Final = 60
_MIB_BYTES: Final = 2**20
_COLUMNS = {
    "run_id": "string",
    "origin": "string",
    "iteration": "Int64",
    "phase": "string",
    "part": "Int64",
    "first_page": "Int64",
    "part_pages": "Int64",
    "dirty_pages": "Int64",
    "dirty_share": "Float64",
    "times_sent": "Float64",
}
# From light to dark on a white page and the other way round on a dark one, it stays in order without its colours.
_SCALE: Final = "Viridis"
_GAP_PX: Final = 1
_NAME_LETTERS: Final = 58
_SPACING: Final = 0.5
_SHARE_HOVER: Final = "%{text}<br>%{z:.1f} % of them in this pass<extra></extra>"
_TIMES_HOVER: Final = "%{text}<br>sent %{z:.2f} times so far, on average<extra></extra>"


def memory_rows(*runs: Run | Iterable[Run]) -> "DataFrame":
    """Tabulate what `plot_memory` draws.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store. The live engine and the simulator record page maps; Xen does not tell where dirty
        pages lie.

    Returns
    -------
    pandas.DataFrame
        A row for each pass and each equal part of the guest, in order of address: ``run_id``; ``origin``;
        ``iteration``; ``phase``; ``part`` (from 0); ``first_page`` (number of its first page); ``part_pages`` (its size
        [page of 4096 B]); ``dirty_pages`` (how many of them are in the pass's set); ``dirty_share`` (the same as a
        share of the part, from 0 to 1); ``times_sent`` (how often a page of the part has gone out by then, on average).
        Nothing for a pass without a map.

    References
    ----------
    .. [1] C. Clark et al., "Live Migration of Virtual Machines", NSDI 2005, section 4 (writable working sets).
    """
    told = ((run, row) for run in as_runs(*runs) for row in _Maps(run).rows())
    return frames.table([{"run_id": run.run_id, "origin": run.start.origin, **row} for run, row in told], _COLUMNS)


def plot_memory(*runs: Run | Iterable[Run]) -> Figure:
    """Draw the guest's memory pass by pass: what is in the set, and how often it has gone out by then.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store; of those with page maps the first three are drawn, one below the other.

    Returns
    -------
    Figure
        Left, the share of each part of the memory that the pass sends; right, how often the part has gone out, on
        average over its pages. Addresses go from left to right, and on in the next line. The slider, or the play
        button, chooses the pass; a run that has ended stays at its final one.

    See Also
    --------
    memory_rows : The same as a table.
    """
    mapped = [run for run in as_runs(*runs) if _mapped(run)]
    shown = mapped[:MOST_RUNS]
    more = f" (the first {MOST_RUNS} of {len(mapped)} runs)" if len(mapped) > MOST_RUNS else ""
    figure = Figure(f"The guest's memory, pass by pass{more}", height=200 + 350 * max(1, len(shown)))
    if not shown:
        figure.say("No run has page maps: the live engine and the simulator record them, Xen does not tell.")
        return figure
    names = [f"{folded(name, _NAME_LETTERS)}<br>" for name in labels(shown)] if len(shown) > 1 else [""]
    titles = [title for name in names for title in (f"{name}in the set of this pass", "times sent so far")]
    figure.set_subplots(
        len(shown), 2, horizontal_spacing=0.2, vertical_spacing=_SPACING / len(shown), subplot_titles=titles
    )
    figure.update_annotations(font={"size": 12})
    maps = [_Maps(run) for run in shown]
    passes = _steps(max(one.n_passes for one in maps))
    # Pass 0 sends everything: what comes after it is what there is to see.
    first = min(1, len(passes) - 1)
    for row, one in enumerate(maps, start=1):
        _add_maps(figure, one, row, passes[first], len(shown))
    figure.frames = [_frame(maps, number) for number in passes]
    if len(shown) == 1:
        figure.update_layout(title={"text": maps[0].told(passes[first])})
    _add_slider(figure, maps, passes, first)
    return figure


class _Maps:
    """The page maps of a run, laid out as squares."""

    def __init__(self, run: Run) -> None:
        self._passes = _mapped(run)
        self._borders = borders(run.start.setup.memory_pages or 0)
        self._n_parts = len(self._borders) - 1
        self._width = ceil(sqrt(self._n_parts))
        self._shares = [_shares(one, self._borders) for one in self._passes]
        self._times = list(_summed(self._shares))

    @property
    def most_times(self) -> float:
        return max(self._times[-1])

    @property
    def n_passes(self) -> int:
        return len(self._passes)

    @property
    def mib_a_line(self) -> float:
        return self._borders[-1] * PAGE_BYTES / _MIB_BYTES * self._width / self._n_parts

    def name(self, number: int) -> str:
        one = self._passes[min(number, self.n_passes - 1)]
        return "final" if one.phase is Phase.STOP_AND_COPY else str(one.iteration)

    def told(self, number: int) -> str:
        one = self._passes[min(number, self.n_passes - 1)]
        what = "the final pass" if one.phase is Phase.STOP_AND_COPY else f"pass {one.iteration}"
        return f"The guest's memory in {what}: {one.dirty_pages or 0:,} pages"

    def changes(self, number: int) -> list[dict[str, Any]]:
        """Give what a pass changes in the two heat maps, so that a frame is all that the browser draws anew."""
        at = min(number, self.n_passes - 1)
        return [
            {"z": self._square([round(100 * one, 1) for one in self._shares[at]])},
            {"z": self._square([round(one, 2) for one in self._times[at]])},
        ]

    def rows(self) -> Iterator[dict[str, object]]:
        """Tell each part of each pass."""
        for one, shares, times in zip(self._passes, self._shares, self._times, strict=True):
            for part, (first, behind) in enumerate(pairwise(self._borders)):
                yield {
                    "iteration": one.iteration, "phase": one.phase, "part": part, "first_page": first,
                    "part_pages": behind - first, "dirty_pages": (one.map_pages or ())[part],
                    "dirty_share": shares[part], "times_sent": times[part],
                }  # fmt: skip

    def places(self) -> list[list[str]]:
        """Name each part by its pages and its address."""
        texts = [
            f"pages {first:,} to {behind - 1:,} (from {first * PAGE_BYTES / _MIB_BYTES:,.4g} MiB)"
            for first, behind in pairwise(self._borders)
        ]
        return self._square(texts)

    def _square(self, values: Sequence[Any]) -> list[list[Any]]:
        return [list(values[at : at + self._width]) for at in range(0, self._n_parts, self._width)]


def _mapped(run: Run) -> list[Iteration]:
    """Choose the passes that have a map of this guest."""
    n_parts = len(borders(run.start.setup.memory_pages or 0)) - 1
    return [one for one in run.iterations if one.map_pages and len(one.map_pages) == n_parts]


def _shares(one: Iteration, places: Sequence[int]) -> list[float]:
    sizes = [behind - first for first, behind in pairwise(places)]
    return [count / size for count, size in zip(one.map_pages or (), sizes, strict=True)]


def _summed(shares: Iterable[list[float]]) -> Iterable[list[float]]:
    times: list[float] = []
    for of_pass in shares:
        times = [before + share for before, share in zip(times, of_pass, strict=True)] if times else of_pass
        yield times


def _steps(n_passes: int) -> list[int]:
    """Choose the passes that the slider stops at: all, or the first ones and then evenly spread ones."""
    if n_passes <= MOST_STEPS:
        return list(range(n_passes))
    half = MOST_STEPS // 2
    rest = n_passes - half
    return [*range(half), *(half + rest * place // half - 1 for place in range(1, half + 1))]


def _add_maps(figure: Figure, maps: _Maps, row: int, number: int, n_rows: int) -> None:
    share, times = maps.changes(number)
    bar = {"outlinewidth": 0, "thickness": 12, "len": 0.9 / n_rows, "y": 1 - (row - 0.5) / n_rows}
    look: dict[str, Any] = {"colorscale": _SCALE, "xgap": _GAP_PX, "ygap": _GAP_PX, "text": maps.places(), "row": row}
    figure.add_heatmap(
        **share, **look, zmin=0, zmax=100, col=1, hovertemplate=_SHARE_HOVER,
        colorbar={**bar, "x": 0.405, "ticksuffix": " %"},
    )  # fmt: skip
    figure.add_heatmap(
        **times, **look, zmin=0, zmax=max(1.0, maps.most_times), col=2, hovertemplate=_TIMES_HOVER,
        colorbar={**bar, "x": 1.005},
    )  # fmt: skip
    for column in (1, 2):
        axis = {"showticklabels": False, "ticks": "", "showgrid": False, "row": row, "col": column}
        figure.update_xaxes(title=f"a line: {maps.mib_a_line:,.4g} MiB", constrain="domain", **axis)
        figure.update_yaxes(autorange="reversed", **axis)


def _frame(maps: Sequence[_Maps], number: int) -> dict[str, Any]:
    changes = [{**trace, "type": "heatmap"} for one in maps for trace in one.changes(number)]
    title = {"layout": {"title": {"text": maps[0].told(number)}}} if len(maps) == 1 else {}
    return {"name": str(number), "data": changes, **title}


def _add_slider(figure: Figure, maps: Sequence[_Maps], passes: Sequence[int], first: int) -> None:
    longest = max(maps, key=lambda one: one.n_passes)
    steps = [
        {
            "label": longest.name(number), "method": "animate", "value": str(number),
            "args": [[str(number)], {"mode": "immediate", "frame": {"duration": 0, "redraw": True},
                                     "transition": {"duration": 0}}],
        }
        for number in passes
    ]  # fmt: skip
    figure.update_layout(
        margin={"t": 84 if len(maps) == 1 else 116},
        sliders=[{"active": first, "steps": steps, "x": 0.16, "len": 0.84, "y": 0, "yanchor": "top",
                  "pad": {"t": 44}, "currentvalue": {"prefix": "pass "}}],
        updatemenus=[{"type": "buttons", "direction": "left", "x": 0, "y": 0, "xanchor": "left", "yanchor": "top",
                      "pad": {"t": 62}, "showactive": False, "buttons": [_play(), _pause()]}],
    )  # fmt: skip


def _play() -> dict[str, Any]:
    timing = {"frame": {"duration": 700, "redraw": True}, "transition": {"duration": 0}, "fromcurrent": True}
    return {"label": "play", "method": "animate", "args": [None, timing]}


def _pause() -> dict[str, Any]:
    timing = {"frame": {"duration": 0, "redraw": False}, "transition": {"duration": 0}, "mode": "immediate"}
    return {"label": "pause", "method": "animate", "args": [[None], timing]}
