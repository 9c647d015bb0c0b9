"""How recorded runs would have ended under a grid of thresholds."""

from collections.abc import Iterable, Mapping, Sequence
from math import log10
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from xlkit import replays, units
from xlkit.errors import InvalidValueError
from xlkit.model import Run
from xlkit.policies import ThresholdPolicy
from xlkit.views.facts import as_runs
from xlkit.views.template import INK, Figure

if TYPE_CHECKING:
    from pandas import DataFrame

QUANTITIES: Mapping[str, str] = MappingProxyType(
    {
        "final_pages": "pages sent while the guest stands still",
        "live_passes": "live passes",
        "precopy_s": "time until precopy ends [s]",
        "precopy_bytes": "bytes sent until precopy ends [B]",
        "saved_s": "time saved [s]",
        "saved_bytes": "bytes saved [B]",
    }
)
MIN_REMAINING = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000)
MAX_ITERS = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30)
_ON_LOG_SCALE = frozenset({"final_pages", "precopy_bytes"})
# From light to dark on a white page and the other way round on a dark one, it stays in order without its colours.
_SCALE = "Viridis"


def policy_map_rows(
    *runs: Run | Iterable[Run],
    quantity: str = "final_pages",
    min_remaining: Iterable[int] = MIN_REMAINING,
    max_iters: Iterable[int] = MAX_ITERS,
) -> "DataFrame":
    """Tabulate what `plot_policy_map` draws.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store.
    quantity : str, default "final_pages"
        What is shown: ``final_pages`` [page of 4096 B], ``live_passes``, ``precopy_s`` [s], ``precopy_bytes`` [B],
        ``saved_s`` [s] or ``saved_bytes`` [B].
    min_remaining : iterable of int, optional
        Values of the first knob [page].
    max_iters : iterable of int, optional
        Values of the second knob.

    Returns
    -------
    pandas.DataFrame
        A row a pair of knobs: ``min_remaining`` [page]; ``max_iters``; ``runs`` (how many were replayed); ``censored``
        (for how many of them the record ends before the policy does); ``value`` (median over those that the record can
        answer, in the unit of the quantity; <NA> where it can answer for none); ``low`` and ``high`` (where none can be
        answered: lowest and highest modelled value, <NA> where not modelled or open).

    Raises
    ------
    InvalidValueError
        If there is no such quantity, or a knob is out of range.

    See Also
    --------
    xlkit.replays.replay_grid : A row a run and pair of knobs.
    """
    if quantity not in QUANTITIES:
        raise InvalidValueError(f"A policy map shows one of {', '.join(QUANTITIES)}, not {quantity!r}.")
    shown = as_runs(*runs)
    grid = replays.replay_grid(shown, min_remaining, max_iters)
    grid["value"] = grid[quantity].astype("Float64").where(~grid["censored"])
    for end, column in (("low", f"{quantity}_low"), ("high", f"{quantity}_high")):
        grid[end] = grid[column].astype("Float64") if column in grid else grid["value"].where(grid["value"].isna())
    rows = grid.groupby(["min_remaining", "max_iters"], sort=False).agg(
        runs=("run_id", "size"),
        censored=("censored", "sum"),
        value=("value", "median"),
        low=("low", "min"),
        high=("high", "max"),
    )
    answered = rows["value"].notna()
    return rows.assign(low=rows["low"].mask(answered), high=rows["high"].mask(answered)).reset_index()


def plot_policy_map(
    *runs: Run | Iterable[Run],
    quantity: str = "final_pages",
    min_remaining: Iterable[int] = MIN_REMAINING,
    max_iters: Iterable[int] = MAX_ITERS,
) -> Figure:
    """Draw how recorded runs would have ended under each pair of knobs.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store.
    quantity : str, default "final_pages"
        What is shown, as in `policy_map_rows`.
    min_remaining : iterable of int, optional
        Values of the first knob [page of 4096 B].
    max_iters : iterable of int, optional
        Values of the second knob.

    Returns
    -------
    Figure
        A cell a pair, with its number (the median of several runs; with a star where the records of some end before the
        policy would have stopped). Where all of them do, the cell has no colour, and the modelled range stands in it in
        brackets. A frame marks the recorded policies.

    Raises
    ------
    InvalidValueError
        If there is no such quantity, or a knob is out of range.

    See Also
    --------
    policy_map_rows : The same as a table.
    """
    shown = as_runs(*runs)
    knobs = {"min_remaining": list(min_remaining), "max_iters": list(max_iters)}
    for run in shown:
        _add_recorded(knobs, run)
    rows = policy_map_rows(*shown, quantity=quantity, **knobs)
    count = f" of {len(shown):,} runs" if len(shown) > 1 else ""
    figure = Figure(f"Under other knobs: {QUANTITIES[quantity]}{count}", height=180 + 34 * len(knobs["max_iters"]))
    if not shown:
        figure.say("No runs to replay.")
        return figure
    _add_cells(figure, rows, quantity, knobs)
    _add_ranges(figure, rows, quantity)
    _add_frames(figure, shown)
    figure.update_xaxes(title="min_remaining [pages]", type="category", showgrid=False)
    figure.update_yaxes(title="max_iters", type="category", showgrid=False)
    return figure


def _add_recorded(knobs: dict[str, list[int]], run: Run) -> None:
    policy = run.start.policy
    if isinstance(policy, ThresholdPolicy):
        for name, value in (("min_remaining", policy.min_remaining), ("max_iters", policy.max_iters)):
            knobs[name] = sorted({*knobs[name], value})


def _add_cells(figure: Figure, rows: "DataFrame", quantity: str, knobs: Mapping[str, Sequence[int]]) -> None:
    known: Any = rows.astype(object).where(rows.notna(), None).to_dict("records")
    cells = {(row["min_remaining"], row["max_iters"]): row for row in known}
    grid = [[cells[least, most] for least in knobs["min_remaining"]] for most in knobs["max_iters"]]
    is_log = quantity in _ON_LOG_SCALE
    values = [row["value"] for row in known if row["value"] is not None]
    bar: dict[str, Any] = {"title": {"text": QUANTITIES[quantity] + ", log scale" * is_log, "side": "right"}}
    if is_log:
        powers = range(int(log10(max([*values, 1]))) + 1)
        bar |= {"tickvals": list(powers), "ticktext": [_quantity(10**power, quantity) for power in powers]}
    figure.add_heatmap(
        x=[f"{least:,}" for least in knobs["min_remaining"]], y=[str(most) for most in knobs["max_iters"]],
        z=[[_shade(row["value"], is_log=is_log) for row in line] for line in grid],
        text=[[_text(row, quantity) if row["value"] is not None else "" for row in line] for line in grid],
        texttemplate="%{text}",
        textfont={"size": 11}, colorscale=_SCALE, colorbar={**bar, "outlinewidth": 0, "thickness": 14},
        hovertemplate="min_remaining %{x}, max_iters %{y}: %{text}<extra></extra>", xgap=1, ygap=1,
    )  # fmt: skip


def _add_ranges(figure: Figure, rows: "DataFrame", quantity: str) -> None:
    """Write the ranges in a layer of their own: on a cell without a colour the heat map would guess the ink."""
    known: Any = rows.astype(object).where(rows.notna(), None).to_dict("records")
    open_ones = [row for row in known if row["value"] is None]
    figure.add_scatter(
        x=[f"{row['min_remaining']:,}" for row in open_ones], y=[str(row["max_iters"]) for row in open_ones],
        text=[_text(row, quantity) for row in open_ones], mode="text", textfont={"size": 10, "color": INK},
        showlegend=False, hovertemplate="min_remaining %{x}, max_iters %{y}: modelled %{text}<extra></extra>",
    )  # fmt: skip


def _shade(value: float | None, *, is_log: bool) -> float | None:
    return None if value is None else log10(max(value, 1.0)) if is_log else float(value)


def _text(row: Mapping[str, Any], quantity: str) -> str:
    if row["value"] is not None:
        return f"{_quantity(float(row['value']), quantity)}{'*' if row['censored'] else ''}"
    if row["low"] is None:
        return "[?]"
    high = "…" if row["high"] is None else _quantity(float(row["high"]), quantity)
    return f"[{_quantity(float(row['low']), quantity)} to<br>{high}]"


def _quantity(value: float, quantity: str) -> str:
    if quantity.endswith("_s"):
        return units.format_s(value)
    return str(units.format_bytes(int(value))) if quantity.endswith("_bytes") else f"{value:,.0f}"


def _add_frames(figure: Figure, runs: Sequence[Run]) -> None:
    own = {(run.start.policy.min_remaining, run.start.policy.max_iters) for run in runs
           if isinstance(run.start.policy, ThresholdPolicy)}  # fmt: skip
    figure.add_scatter(
        x=[f"{least:,}" for least, _ in own], y=[str(most) for _, most in own], mode="markers",
        marker={"symbol": "square-open", "size": 26, "color": INK, "line": {"width": 3}}, name="recorded under this",
        hoverinfo="skip", showlegend=True,
    )  # fmt: skip
