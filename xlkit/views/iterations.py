"""Dirty pages of each pass, against the threshold of the policy."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from xlkit import frames
from xlkit.model import Phase, Run
from xlkit.policies import to_settings
from xlkit.views.crowd import crowd_trace, named_runs
from xlkit.views.facts import as_runs, labels
from xlkit.views.template import FINAL_SYMBOL, INK, PALETTE, Figure, folded, room_for_names, series_style

if TYPE_CHECKING:
    from pandas import DataFrame

LOWEST_DRAWN_PAGES = 0.5
_COLUMNS = ["run_id", "label", "origin", "iteration", "phase", "dirty_pages", "drawn_pages", "min_remaining"]
_NAME_PX = 150
_HOVER = "pass %{x}: %{customdata} dirty pages<extra>%{fullData.name}</extra>"


def iterations_rows(*runs: Run | Iterable[Run]) -> "DataFrame":
    """Tabulate what `plot_iterations` draws.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store.

    Returns
    -------
    pandas.DataFrame
        A row a pass: ``run_id``; ``label`` (what tells the run from the others, and its origin); ``origin``;
        ``iteration``; ``phase``; ``dirty_pages`` (the set the pass set out to send [page], <NA> where not known);
        ``drawn_pages`` (the same, but of pass 0 only what has memory behind it, and 0 at `LOWEST_DRAWN_PAGES`, as a log
        scale has no 0 [page]); ``min_remaining`` (the policy's threshold [page], <NA> where it has none).

    See Also
    --------
    xlkit.frames.iterations : The whole table of passes.
    """
    shown = as_runs(*runs)
    label = dict(zip((run.run_id for run in shown), labels(shown), strict=True))
    threshold = {run.run_id: to_settings(run.start.policy).get("min_remaining") for run in shown}
    table = frames.iterations(*shown)
    table["drawn_pages"] = [run.backed_pages(one) for run in shown for one in run.iterations]
    backed = table.astype({"drawn_pages": "Int64"})["drawn_pages"]
    return table.assign(
        label=table["run_id"].map(label).astype("string"),
        min_remaining=table["run_id"].map(threshold).astype("Int64"),
        drawn_pages=backed.astype("Float64").clip(lower=LOWEST_DRAWN_PAGES),
    )[_COLUMNS]


def plot_iterations(*runs: Run | Iterable[Run]) -> Figure:
    """Draw the dirty pages of each pass, with the policy's `min_remaining` as a line.

    Precopy ends before the first pass whose set lies below that line; the pass is still sent while the guest runs. The
    set that is sent while the guest stands still, a star, is bounded by nothing.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store; of more than a dozen, those that stand out are named.

    Returns
    -------
    Figure
        A line a run, over the number of the pass.

    See Also
    --------
    iterations_rows : The same as a table.
    """
    shown = as_runs(*runs)
    rows = iterations_rows(*shown)
    named = named_runs(shown)
    count = rows["run_id"].nunique()
    figure = Figure(f"Dirty pages of each pass{_zero_note(rows)}", height=room_for_names(len(named) + 1))
    if rows.empty:
        figure.say("No passes to show.")
    last = 8 if rows.empty else int(rows["iteration"].max())
    places = {run_id: place for place, run_id in enumerate(named)}
    crowd = rows[~rows["run_id"].isin(list(named))]
    if len(crowd):
        figure.add_trace(crowd_trace(crowd.dropna(subset=["drawn_pages"]), "iteration", "drawn_pages"))
    for run_id, passes in rows[rows["run_id"].isin(list(named))].groupby("run_id", sort=False):
        index = places[str(run_id)]
        _add_passes(figure, passes, index)
        _add_threshold(figure, passes, index, last, named=count <= len(PALETTE))
    _add_key(figure, rows)
    # The thresholds are named beside the plot, where no pass lies.
    figure.update_layout(margin_r=_NAME_PX)
    figure.update_xaxes(title="iteration, from 0", range=[-0.5, last + 0.9], dtick=1 + last // 14, tick0=0)
    figure.update_yaxes(title="dirty pages [4 KiB], log scale", type="log", dtick=1)
    return figure


def _add_passes(figure: Figure, passes: "DataFrame", index: int) -> None:
    style, label = series_style(index), folded(_label(passes))
    final_marker = {**style["marker"], "symbol": FINAL_SYMBOL, "size": 14}
    for phase, name, look in (
        (Phase.PRECOPY, label, {"mode": "lines+markers", **style}),
        (
            Phase.STOP_AND_COPY,
            f"{label}, guest paused",
            {"mode": "markers", "marker": final_marker, "showlegend": False},
        ),
    ):
        points = _points(passes[passes["phase"] == phase])
        figure.add_scatter(**points, name=name, legendgroup=label, hovertemplate=_HOVER, cliponaxis=False, **look)


def _points(passes: "DataFrame") -> dict[str, list[Any]]:
    # Lists, not arrays: plotly would pack arrays as base64, which nobody can read in a saved notebook.
    drawn = passes["drawn_pages"].astype(object)
    return {
        "x": passes["iteration"].tolist(),
        "y": drawn.where(drawn.notna(), None).tolist(),
        "customdata": passes["dirty_pages"].astype("string").fillna("unknown").tolist(),
    }


def _add_threshold(figure: Figure, passes: "DataFrame", index: int, last: int, *, named: bool) -> None:
    thresholds = passes["min_remaining"].dropna().tolist()
    if not thresholds:
        return
    text = f"min_remaining {thresholds[0]:,}"
    figure.add_scatter(
        x=[-0.5, last + 0.9],
        y=[thresholds[0]] * 2,
        text=["", text if named else ""],
        cliponaxis=False,
        textposition="middle right",
        mode="lines+text",
        line={"color": series_style(index)["line"]["color"], "width": 1, "dash": "dot"},
        legendgroup=folded(_label(passes)),
        name=f"{text}: precopy ends before the first pass below this line",
        showlegend=False,
        hoverinfo="name",
    )


def _add_key(figure: Figure, rows: "DataFrame") -> None:
    if (rows["phase"] == Phase.STOP_AND_COPY).any():
        key = {"symbol": FINAL_SYMBOL, "size": 14, "color": INK}
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=key, name="sent while the guest is paused")


def _zero_note(rows: "DataFrame") -> str:
    return " (0 is drawn at the lower edge)" if rows["dirty_pages"].eq(0).any() else ""


def _label(passes: "DataFrame") -> str:
    return str(passes["label"].iloc[0])
