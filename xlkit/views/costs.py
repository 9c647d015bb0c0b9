"""What each run cost: downtime, total time and bytes, side by side."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from xlkit import frames, units
from xlkit.model import Run
from xlkit.views.facts import as_runs, downtime_text, labels
from xlkit.views.template import Figure, bar_style

if TYPE_CHECKING:
    from pandas import DataFrame

_MIB_BYTES = 2**20
_COLUMNS = [
    "run_id", "label", "origin", "status", "stop_reason", "iterations", "last_live_pages", "final_pages",
    "downtime_s", "downtime", "total_s", "sent_mib",
]  # fmt: skip
_HOVER = "%{y}: %{text}<extra></extra>"
_ROOM_FOR_TEXT = 1.45


def costs_rows(*runs: Run | Iterable[Run]) -> "DataFrame":
    """Tabulate what `plot_costs` draws.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store.

    Returns
    -------
    pandas.DataFrame
        A row a run: ``run_id``; ``label`` (what tells the run from the others, and its origin); ``origin``; ``status``;
        ``stop_reason``; ``iterations`` (passes, the final one included); ``last_live_pages`` (the set of the last pass
        that was sent while the guest ran [page]; this is what `min_remaining` bounds); ``final_pages`` (the set sent
        while the guest stood still [page]; nothing bounds it); ``downtime_s`` [s] and ``downtime`` (the same for a
        reader, with its bound); ``total_s`` [s]; ``sent_mib`` [MiB]. What is not known is <NA>.

    See Also
    --------
    xlkit.frames.summary : The whole table of runs.
    """
    shown = as_runs(*runs)
    table = frames.summary(*shown)
    return table.assign(
        label=labels(shown),
        downtime=[downtime_text(run) for run in shown],
        sent_mib=table["sent_bytes"].astype("Float64") / _MIB_BYTES,
    ).astype({"label": "string", "downtime": "string"})[_COLUMNS]


def plot_costs(*runs: Run | Iterable[Run]) -> Figure:
    """Draw what each run cost: downtime, total time and bytes sent, each from zero.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store.

    Returns
    -------
    Figure
        Three panels side by side, a bar a run in each, in the order given.

    See Also
    --------
    costs_rows : The same as a table.
    """
    rows = costs_rows(*runs)
    figure = Figure("Downtime, total time and bytes sent", height=190 + 56 * max(1, len(rows)))
    figure.set_subplots(1, 3, shared_yaxes=True, horizontal_spacing=0.04)
    if rows.empty:
        figure.say("No runs to compare.")
    for column, (name, title, texts) in enumerate(_panels(rows), start=1):
        for index, (label, value, text) in enumerate(zip(rows["label"], rows[name].fillna(0), texts, strict=True)):
            figure.add_bar(
                x=[float(value)], y=[_folded(label)], text=[text], orientation="h", marker=bar_style(index),
                row=1, col=column, textposition="outside", cliponaxis=False, showlegend=False, hovertemplate=_HOVER,
            )  # fmt: skip
        _fit(figure, rows, name, title, column)
    figure.update_yaxes(autorange="reversed", ticks="", showgrid=False)
    return figure


def _panels(rows: "DataFrame") -> list[tuple[str, str, list[str]]]:
    return [
        ("downtime_s", "downtime [s]", rows["downtime"].tolist()),
        ("total_s", "total time [s]", [units.format_s(value) for value in _known(rows["total_s"])]),
        (
            "sent_mib",
            "sent [MiB]",
            ["unknown" if value is None else f"{value:,.4g} MiB" for value in _known(rows["sent_mib"])],
        ),
    ]


def _fit(figure: Figure, rows: "DataFrame", name: str, title: str, column: int) -> None:
    largest = rows[name].max()
    top = float(largest) * _ROOM_FOR_TEXT if rows[name].notna().any() and largest > 0 else 1.0
    # "5ms" reads better than "0.005"; a decimal prefix would be wrong on MiB.
    ticks = {"tickformat": "~s", "ticksuffix": "s"} if name.endswith("_s") else {"tickformat": "~g"}
    figure.update_xaxes(title=title, range=[0, top], nticks=4, tickangle=0, row=1, col=column, **ticks)


def _known(values: Any) -> list[float | None]:
    return [None if missing else float(value) for value, missing in zip(values, values.isna(), strict=True)]


def _folded(label: str) -> str:
    return label.replace(", ", ",<br>").replace(" (", "<br>(")
