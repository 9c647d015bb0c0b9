"""Where the downtime went: its parts, how well each is known, and by which clock."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from xlkit import frames, units
from xlkit.model import Knowledge, Run
from xlkit.views.facts import as_runs, downtime_text, labels
from xlkit.views.template import PALETTE, PATTERNS, Figure

if TYPE_CHECKING:
    from pandas import DataFrame

MOST_RUNS = 40
_COLUMNS = ["run_id", "label", "origin", "part", "duration_s", "knowledge", "clock", "text"]
_SIGNS = {Knowledge.EXACT: "", Knowledge.AT_MOST: "≤ ", Knowledge.AT_LEAST: "≥ "}
_ROOM_FOR_TEXT = 1.65
_HOVER = "%{customdata[0]}: %{customdata[1]}, %{customdata[2]}<extra></extra>"


def downtime_rows(*runs: Run | Iterable[Run]) -> "DataFrame":
    """Tabulate what `plot_downtime` draws.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store.

    Returns
    -------
    pandas.DataFrame
        A row a part: ``run_id``; ``label`` (what tells the run from the others, its origin, and its downtime);
        ``origin``; ``part``; ``duration_s`` [s]; ``knowledge``; ``clock``; ``text`` (the duration for a reader, with
        ``≤`` or ``≥`` where it is a bound). What is not known is <NA>. A run whose parts are not known has no row.

    See Also
    --------
    xlkit.frames.downtime : The whole table of parts.
    """
    shown = as_runs(*runs)
    label = dict(zip((run.run_id for run in shown), _labels(shown), strict=True))
    table = frames.downtime(*shown)
    texts = [
        "unknown" if duration is None else f"{_SIGNS.get(Knowledge(known), '')}{units.format_s(duration)}"
        for duration, known in zip(table["duration_s"].astype(object).where(table["duration_s"].notna(), None),
                                   table["knowledge"], strict=True)
    ]  # fmt: skip
    return table.assign(label=table["run_id"].map(label).astype("string"), text=texts).astype({"text": "string"})[
        _COLUMNS
    ]


def plot_downtime(*runs: Run | Iterable[Run]) -> Figure:
    """Draw the parts of the downtime, a bar a run.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store; of more than 40, the first 40 are drawn.

    Returns
    -------
    Figure
        The parts lie end to end; the hover tells the clock of each. A part that only a second observer saw, as the gap
        in a guest's heartbeat, overlaps the others and is a bar of its own.

    See Also
    --------
    downtime_rows : The same as a table.
    """
    shown = as_runs(*runs)
    drawn = shown[:MOST_RUNS]
    rows = downtime_rows(*drawn)
    more = f" (the first {MOST_RUNS} of {len(shown):,} runs)" if len(shown) > MOST_RUNS else ""
    beside = rows["part"].isin(_beside(rows))
    figure = Figure(f"Where the downtime went{more}", height=190 + 46 * max(1, rows["run_id"].nunique()))
    if rows["duration_s"].notna().sum() == 0:
        figure.say("No part of a downtime is known.")
    for index, (part, some) in enumerate(rows[~beside].groupby("part", sort=False)):
        _add_part(figure, some, str(part), index, "host")
    _add_texts(figure, rows[~beside])
    for index, (part, some) in enumerate(rows[beside].groupby("part", sort=False)):
        _add_part(figure, some, f"{part} (seen from outside)", index + 3, "outside")
    figure.update_layout(barmode="stack", bargap=0.35, legend_traceorder="normal")
    longest = rows.groupby("run_id")["duration_s"].sum().max() if len(rows) else 0
    figure.update_xaxes(title="downtime [s]", range=[0, _ROOM_FOR_TEXT * float(longest or 1)])
    figure.update_xaxes(nticks=6, tickformat="~s", ticksuffix="s")
    figure.update_yaxes(autorange="reversed", ticks="", showgrid=False)
    return figure


def _labels(runs: list[Run]) -> list[str]:
    return [f"{label}<br>{downtime_text(run)}" for label, run in zip(labels(runs), runs, strict=True)]


def _beside(rows: "DataFrame") -> set[str]:
    """Find the parts that are no share of the whole: they were seen by a clock of their own."""
    main = {str(clock) for clock in rows.groupby("run_id")["clock"].first()}
    return {str(part) for part, some in rows.groupby("part") if main.isdisjoint(some["clock"])}


def _add_texts(figure: Figure, rows: "DataFrame") -> None:
    """Write the durations beside each bar: on a pattern nobody could read them."""
    sums = rows.groupby("label", sort=False).agg({"duration_s": "sum", "text": " + ".join})
    figure.add_scatter(
        x=[float(value) for value in sums["duration_s"]], y=sums.index.tolist(), mode="text",
        text=[f" {text}" for text in sums["text"]], textposition="middle right", cliponaxis=False, showlegend=False,
        hoverinfo="skip",
    )  # fmt: skip


def _add_part(figure: Figure, some: "DataFrame", name: str, index: int, group: str) -> None:
    known = some.dropna(subset=["duration_s"])
    pattern = {"shape": PATTERNS[index % len(PATTERNS)], "fillmode": "overlay", "size": 6, "solidity": 0.3}
    figure.add_bar(
        x=[float(value) for value in known["duration_s"]], y=known["label"].tolist(), orientation="h", name=name,
        offsetgroup=group, marker={"color": PALETTE[index % len(PALETTE)], "pattern": pattern, "line": {"width": 0}},
        customdata=known[["part", "text", "clock"]].to_numpy(object).tolist(), hovertemplate=_HOVER,
    )  # fmt: skip
