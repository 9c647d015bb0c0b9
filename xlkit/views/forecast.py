"""What was expected of runs, and what happened."""

from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from xlkit import forecasts, units
from xlkit.model import Run
from xlkit.views.facts import as_runs, labels
from xlkit.views.template import INK, PALETTE, Figure, room_for_names

if TYPE_CHECKING:
    from pandas import DataFrame

MOST_RUNS: Final = 20
_NAMES = {
    "total_s": "total time",
    "downtime_s": "downtime",
    "sent_bytes": "bytes sent",
    "live_passes": "live passes",
    "final_pages": "pages sent while paused",
}
_COLUMNS = [
    "run_id", "label", "origin", "quantity", "row", "low", "likely", "high", "outcome", "within", "low_share",
    "high_share", "outcome_share", "text",
]  # fmt: skip


def forecast_rows(*runs: Run | Iterable[Run]) -> "DataFrame":
    """Tabulate what `plot_forecast` draws.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store; those without a recorded forecast are left out.

    Returns
    -------
    pandas.DataFrame
        A row a run and quantity: ``run_id``; ``label`` (what tells the run from the others, and its origin);
        ``origin``; ``quantity``; ``row`` (the name of the row in the figure); ``low``, ``likely``, ``high`` and
        ``outcome`` in the unit of the quantity; ``within`` (whether the range held, <NA> where nobody can tell);
        ``low_share``, ``high_share`` and ``outcome_share`` (each as a multiple of the likely value); ``text`` (outcome
        and range for a reader).

    See Also
    --------
    xlkit.forecasts.scores : The whole table of forecasts and outcomes.
    """
    shown = [run for run in as_runs(*runs) if run.start.forecast is not None]
    label = dict(zip((run.run_id for run in shown), labels(shown), strict=True))
    table = forecasts.scores(shown)
    table = table[table["likely"] > 0].reset_index(drop=True)
    names = table["run_id"].map(label).astype("string")
    quantity = table["quantity"].map(_NAMES).astype("string")
    return table.assign(
        label=names,
        row=(quantity + "<br>" + names).astype("string"),
        low_share=table["low"] / table["likely"],
        high_share=table["high"] / table["likely"],
        outcome_share=table["outcome"] / table["likely"],
        text=[_told(row) for row in table.astype(object).where(table.notna(), None).to_dict("records")],
    ).astype({"text": "string"})[_COLUMNS]


def plot_forecast(*runs: Run | Iterable[Run]) -> Figure:
    """Draw the range that was expected of each quantity, and where it came out.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store; of more than 20 with a forecast, the first 20 are drawn.

    Returns
    -------
    Figure
        Each row as a multiple of the likely value: the range is a bar about 1, the outcome a circle where the range
        held, and a cross where it did not.

    See Also
    --------
    forecast_rows : The same as a table.
    """
    told = [run for run in as_runs(*runs) if run.start.forecast is not None]
    rows = forecast_rows(told[:MOST_RUNS])
    more = f" (the first {MOST_RUNS} of {len(told):,} runs)" if len(told) > MOST_RUNS else ""
    figure = Figure(f"Expected, and what happened{more}", height=room_for_names(2) - 190 + 44 * max(1, len(rows)))
    if rows.empty:
        figure.say("None of these runs has a forecast recorded with it.")
        return figure
    width = (rows["high_share"] - rows["low_share"]).astype(float)
    figure.add_bar(
        x=width.tolist(), base=rows["low_share"].astype(float).tolist(), y=rows["row"].tolist(),
        orientation="h", name="expected range", hoverinfo="skip",
        marker={"color": "rgba(0,114,178,.35)", "line": {"width": 1, "color": PALETTE[0]}},
    )  # fmt: skip
    held = rows["within"].fillna(value=False).astype(bool)
    _add_outcomes(figure, rows[held], "came out within it", "circle", PALETTE[2])
    _add_outcomes(figure, rows[~held & rows["outcome"].notna()], "came out beyond it", "x", PALETTE[1])
    figure.add_vline(x=1, line={"color": INK, "width": 1, "dash": "dot"})
    figure.update_layout(bargap=0.5)
    figure.update_xaxes(title="multiple of the likely value", rangemode="tozero")
    figure.update_yaxes(autorange="reversed", ticks="", showgrid=False)
    return figure


def _add_outcomes(figure: Figure, rows: "DataFrame", name: str, symbol: str, color: str) -> None:
    figure.add_scatter(
        x=rows["outcome_share"].astype(float).tolist(), y=rows["row"].tolist(), mode="markers", name=name,
        marker={"symbol": symbol, "size": 11, "color": color}, customdata=rows["text"].tolist(),
        hovertemplate="%{customdata}<extra></extra>", cliponaxis=False,
    )  # fmt: skip


def _told(row: Mapping[Hashable, Any]) -> str:
    name = str(row["quantity"])
    low, high, outcome = (_quantity(name, row[end]) for end in ("low", "high", "outcome"))
    return f"{outcome}, expected {low} to {high}"


def _quantity(name: str, value: float | None) -> str:
    if value is None:
        return "unknown"
    if name.endswith("_s"):
        return units.format_s(float(value))
    return units.format_bytes(int(value)) if name.endswith("_bytes") else f"{value:,.0f}"
