"""What went on when: passes, pauses between them, and the blackout, as a time bar for each run."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from xlkit import frames, units
from xlkit.model import Iteration, Phase, Run
from xlkit.views.facts import as_runs, downtime_text, labels
from xlkit.views.template import INK, PALETTE, Figure, room_for_names

if TYPE_CHECKING:
    from pandas import DataFrame

MOST_RUNS: Final = 40
_COLUMNS = {
    "run_id": "string",
    "label": "string",
    "origin": "string",
    "what": "string",
    "iteration": "Int64",
    "begun_s": "Float64",
    "ended_s": "Float64",
    "duration_s": "Float64",
    "knowledge": "string",
}
BEFORE, EVEN, ODD, PAUSED, AFTER = (
    "before pass 0", "pass of an even number", "pass of an odd number", "guest paused", "after the blackout",
)  # fmt: skip
_LOOKS: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        BEFORE: {"color": "rgba(128,128,128,.35)"},
        EVEN: {"color": PALETTE[0]},
        ODD: {"color": PALETTE[0], "pattern": {"shape": "/", "fillmode": "overlay", "size": 6, "solidity": 0.35}},
        PAUSED: {"color": PALETTE[1], "pattern": {"shape": "x", "fillmode": "overlay", "size": 6, "solidity": 0.35}},
        AFTER: {"color": "rgba(128,128,128,.35)", "pattern": {"shape": ".", "fillmode": "overlay", "size": 6}},
    }
)
_SUSPEND = "suspend"
_ROOM_FOR_TEXT = 1.3
_HOVER = "%{customdata[0]}: %{customdata[1]}, from %{customdata[2]} on<extra></extra>"

_Segment = tuple[str, int | None, float, float]


def timeline_rows(*runs: Run | Iterable[Run]) -> "DataFrame":
    """Tabulate what `plot_timeline` draws.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store.

    Returns
    -------
    pandas.DataFrame
        A row a stretch of time: ``run_id``; ``label`` (what tells the run from the others, and its origin); ``origin``;
        ``what`` (before pass 0, a pass of an even or an odd number, guest paused, after the blackout); ``iteration``
        (of a pass); ``begun_s`` and ``ended_s`` (by the clock of the run, since its start [s]); ``duration_s`` [s];
        ``knowledge`` (of the blackout: exact, at most, at least). Between the stretches the guest runs and nothing is
        sent: the dirty set is read, the policy is asked.

    See Also
    --------
    xlkit.frames.iterations : The whole table of passes.
    """
    shown = as_runs(*runs)
    known = dict(zip(frames.summary(*shown)["run_id"], frames.summary(*shown)["downtime_knowledge"], strict=True))
    rows = [
        {
            "run_id": run.run_id, "label": label, "origin": run.start.origin, "what": what, "iteration": iteration,
            "begun_s": begun_s, "ended_s": ended_s, "duration_s": ended_s - begun_s,
            "knowledge": known[run.run_id] if what == PAUSED else "exact",
        }
        for run, label in zip(shown, labels(shown), strict=True)
        for what, iteration, begun_s, ended_s in _segments(run)
        if ended_s > begun_s
    ]  # fmt: skip
    return frames.table(rows, _COLUMNS)


def plot_timeline(*runs: Run | Iterable[Run]) -> Figure:
    """Draw what went on when, a bar a run.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store; of more than 40, the first 40 are drawn.

    Returns
    -------
    Figure
        Each bar by its own run's clock, from the start of the run; the downtime is written at its end.

    See Also
    --------
    timeline_rows : The same as a table.
    """
    shown = as_runs(*runs)
    drawn = shown[:MOST_RUNS]
    rows = timeline_rows(*drawn)
    more = f" (the first {MOST_RUNS} of {len(shown):,} runs)" if len(shown) > MOST_RUNS else ""
    figure = Figure(f"What went on when{more}", height=room_for_names(1) - 200 + 40 * max(1, len(drawn)))
    if rows.empty:
        figure.say("No passes to show.")
    for what, look in _LOOKS.items():
        some = rows[rows["what"] == what]
        if len(some):
            _add_stretch(figure, some, what, look)
    _add_texts(figure, drawn, rows)
    longest = 1.0 if rows.empty else float(rows["ended_s"].max())
    figure.update_layout(barmode="overlay", bargap=0.4, legend_traceorder="normal")
    figure.update_xaxes(title="time since the start of the run [s]", range=[0, _ROOM_FOR_TEXT * longest])
    figure.update_yaxes(autorange="reversed", ticks="", showgrid=False)
    return figure


def _segments(run: Run) -> Iterator[_Segment]:
    live = [one for one in run.iterations if one.phase is Phase.PRECOPY]
    if live:
        yield BEFORE, None, 0.0, live[0].begun_s
    for one in live:
        yield (ODD if one.iteration % 2 else EVEN), one.iteration, one.begun_s, one.ended_s
    final = next((one for one in run.iterations if one.phase is Phase.STOP_AND_COPY), None)
    if final is not None and run.stop.downtime_s is not None:
        begun_s = _suspended_s(run, final)
        yield PAUSED, final.iteration, begun_s, begun_s + run.stop.downtime_s
        if run.stop.ended_s is not None:
            yield AFTER, None, begun_s + run.stop.downtime_s, run.stop.ended_s


def _suspended_s(run: Run, final: Iteration) -> float:
    """Find when the guest was asked to suspend: so long before its last set was read."""
    took_s = [part.duration_s for part in run.stop.downtime if part.name == _SUSPEND and part.duration_s is not None]
    return max(0.0, final.collected_s - sum(took_s))


def _add_stretch(figure: Figure, some: "DataFrame", what: str, look: Mapping[str, Any]) -> None:
    numbers = some["iteration"].astype("string").fillna("").tolist()
    named = [f"pass {number}" if what in {EVEN, ODD} else what for number in numbers]
    figure.add_bar(
        x=[float(value) for value in some["duration_s"]], base=[float(value) for value in some["begun_s"]],
        y=[_folded(label) for label in some["label"]], orientation="h", name=what,
        marker={**look, "line": {"width": 0}}, hovertemplate=_HOVER,
        customdata=[
            [name, units.format_s(float(took)), units.format_s(float(begun))]
            for name, took, begun in zip(named, some["duration_s"], some["begun_s"], strict=True)
        ],
    )  # fmt: skip


def _add_texts(figure: Figure, runs: list[Run], rows: "DataFrame") -> None:
    ends = rows.groupby("run_id", sort=False)["ended_s"].max()
    label = dict(zip(rows["run_id"], rows["label"], strict=True))
    told = [run for run in runs if run.run_id in ends.index]
    figure.add_scatter(
        x=[float(ends[run.run_id]) for run in told], y=[_folded(label[run.run_id]) for run in told], mode="text",
        text=[f" paused {downtime_text(run)}" for run in told], textposition="middle right", cliponaxis=False,
        showlegend=False, hoverinfo="skip", textfont={"color": INK},
    )  # fmt: skip


def _folded(label: str) -> str:
    return label.replace(" (", "<br>(")
