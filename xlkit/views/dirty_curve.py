"""How many distinct pages are dirtied in a window, and where the link meets that curve."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xlkit import frames
from xlkit.curves import Observed, fit_curve, observed
from xlkit.model import Phase, Run
from xlkit.units import PAGE_BYTES
from xlkit.views.facts import as_runs
from xlkit.views.template import INK, Figure, room_for_names, series_style

if TYPE_CHECKING:
    from pandas import DataFrame

MOST_GUESTS = 8
MOST_POINTS = 20_000
SEEN, CURVE, LINK, FLOOR = "seen", "curve", "link", "floor"
_COLUMNS = {
    "guest": "string",
    "origin": "string",
    "what": "string",
    "run_id": "string",
    "iteration": "Int64",
    "window_s": "Float64",
    "pages": "Float64",
}
_POINTS = 80
_ROOM = 3.0
_LOWEST_PAGES = 0.5
_HOVER = "%{y:,.4~g} pages in %{x:.3~s}s<extra>%{fullData.name}</extra>"


def dirty_curve_rows(*runs: Run | Iterable[Run]) -> "DataFrame":
    """Tabulate what `plot_dirty_curve` draws.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store. Runs of one guest under one load belong together, whatever their policies.

    Returns
    -------
    pandas.DataFrame
        ``guest`` (backend, domain and load, and the origin); ``origin``; ``what`` the row is: ``seen`` (a set that was
        read, of ``run_id`` and ``iteration``), ``curve`` (the fitted curve), ``link`` (what the link carries in that
        time), ``floor`` (where the two cross: no number of passes comes below it; none where it is under one page);
        ``window_s`` [s]; ``pages`` [page of 4096 B].

    See Also
    --------
    xlkit.curves.fit_curve : The curve.

    References
    ----------
    .. [1] C. Clark et al., "Live Migration of Virtual Machines", NSDI 2005 (writable working set).
    """
    rows: list[dict[str, object]] = []
    for guest, some in _guests(as_runs(*runs)).items():
        rows += [{"guest": guest, "origin": some[0].start.origin, **row} for row in _guest_rows(some)]
    filled = [{**dict.fromkeys(_COLUMNS), **row} for row in rows]
    return frames.table(filled, _COLUMNS)


def plot_dirty_curve(*runs: Run | Iterable[Run]) -> Figure:
    """Draw how many distinct pages a guest dirties in a window, with what the link carries in the same time.

    A pass that sends fewer pages than it finds dirty afterwards makes no progress. Right of the crossing the curve lies
    below the line, and each pass is smaller than the one before it; at the crossing that ends.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many, or a store; of more than eight guests, the first eight are drawn.

    Returns
    -------
    Figure
        Both axes on log scales; the floor is a cross with its number.

    See Also
    --------
    dirty_curve_rows : The same as a table.
    """
    rows = dirty_curve_rows(*runs)
    guests = list(dict.fromkeys(rows["guest"]))
    more = f" (the first {MOST_GUESTS} of {len(guests)} guests)" if len(guests) > MOST_GUESTS else ""
    figure = Figure(
        f"Distinct pages dirtied in a window{more}", height=40 + room_for_names(3 * min(len(guests), MOST_GUESTS))
    )
    if rows.empty:
        figure.say("No set was read after pass 0.")
    for index, guest in enumerate(guests[:MOST_GUESTS]):
        _add_guest(figure, rows[rows["guest"] == guest], index)
    figure.update_xaxes(title="window [s], log scale", type="log", dtick=1, tickformat="~s", ticksuffix="s")
    figure.update_yaxes(title="distinct pages dirtied [4 KiB], log scale", type="log", dtick=1)
    return figure


def _guests(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Put runs of one guest under one load together."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        load = run.start.setup.settings.get("workload")
        facts = [run.start.backend, run.start.migration.domain, *([_load_text(load)] if load else [])]
        found.setdefault(f"{', '.join(facts)} ({run.start.origin})", []).append(run)
    return {guest: some for guest, some in found.items() if observed(some)}


def _load_text(load: Any) -> str:
    if not isinstance(load, Mapping):
        return str(load)
    rate = load.get("rate_pages_s")
    return f"{load.get('name', 'load')}{f' {rate:,.0f} pages/s' if isinstance(rate, int | float) else ''}"


def _guest_rows(runs: Sequence[Run]) -> list[dict[str, object]]:
    import numpy as np

    seen = observed(runs)
    curve = fit_curve(seen, memory_pages=runs[0].start.setup.memory_pages)
    windows = [one.window_s for one in seen]
    places = np.geomspace(min(windows) / _ROOM, max(windows) * _ROOM, _POINTS)
    rows = [_seen_row(one) for one in seen]
    rows += _line(CURVE, places, curve.pages(places))
    bytes_s = _bandwidth_bytes_s(runs)
    if bytes_s is None:
        return rows
    rows += _line(LINK, places, places * bytes_s / PAGE_BYTES)
    floor_pages = curve.floor_pages(bytes_s)
    if 1 <= floor_pages < float("inf"):
        rows += _line(FLOOR, [floor_pages * PAGE_BYTES / bytes_s], [floor_pages])
    return rows


def _seen_row(one: Observed) -> dict[str, object]:
    return {
        "what": SEEN, "run_id": one.run_id, "iteration": one.iteration, "window_s": one.window_s,
        "pages": one.dirty_pages,
    }  # fmt: skip


def _line(what: str, windows_s: Iterable[float], pages: Iterable[float]) -> list[dict[str, object]]:
    return [
        {"what": what, "window_s": float(at), "pages": float(some)}
        for at, some in zip(windows_s, pages, strict=True)
    ]  # fmt: skip


def _bandwidth_bytes_s(runs: Sequence[Run]) -> float | None:
    """Measure the link over all live passes, so that long ones count for more than those of a few pages."""
    sent_bytes, took_s = 0.0, 0.0
    for run in runs:
        for one in run.iterations:
            pages = one.sent_pages if one.sent_pages is not None else run.backed_pages(one)
            if one.phase is Phase.PRECOPY and pages and one.ended_s > one.begun_s:
                sent_bytes += one.sent_bytes if one.sent_bytes is not None else pages * PAGE_BYTES
                took_s += one.ended_s - one.begun_s
    return sent_bytes / took_s if took_s and sent_bytes else None


def _add_guest(figure: Figure, rows: "DataFrame", index: int) -> None:
    style, guest = series_style(index), str(rows["guest"].iloc[0])
    parts = {what: rows[rows["what"] == what] for what in (SEEN, CURVE, LINK, FLOOR)}
    seen = parts[SEEN].iloc[:: 1 + len(parts[SEEN]) // MOST_POINTS]
    figure.add_scattergl(
        **_points(seen), mode="markers", marker={**style["marker"], "size": 7}, name=guest, hovertemplate=_HOVER
    )
    figure.add_scattergl(
        **_points(parts[CURVE]), mode="lines", line={**style["line"], "dash": "solid"}, name=f"{guest}: fitted curve",
        hoverinfo="skip",
    )  # fmt: skip
    if len(parts[LINK]):
        bytes_s = float(parts[LINK]["pages"].iloc[-1] / parts[LINK]["window_s"].iloc[-1]) * PAGE_BYTES
        figure.add_scattergl(
            **_points(parts[LINK]), mode="lines", line={**style["line"], "dash": "dot", "width": 1.5},
            name=f"{guest}: the link, {bytes_s / 2**20:,.4g} MiB/s", hoverinfo="skip",
        )  # fmt: skip
    for _, floor in parts[FLOOR].iterrows():
        figure.add_scatter(
            x=[float(floor["window_s"])], y=[float(floor["pages"])], mode="markers+text",
            marker={"symbol": "x", "size": 12, "color": INK}, text=[f"floor {float(floor['pages']):,.0f} pages"],
            textposition="bottom right", showlegend=False, hoverinfo="skip",
        )  # fmt: skip


def _points(rows: "DataFrame") -> dict[str, list[float]]:
    return {
        "x": rows["window_s"].astype(float).tolist(),
        "y": rows["pages"].astype(float).clip(lower=_LOWEST_PAGES).tolist(),
    }
