"""A run as the small table that a notebook shows for it."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from xlkit.model._words import Phase
from xlkit.units import format_s

if TYPE_CHECKING:
    from xlkit.model._happened import Iteration, Run

_SHOWN = 12
_COLUMNS = ("iteration", "dirty pages", "took", "guest")


def run_table(run: "Run") -> str:
    """Write what was asked, how it ended, and the first passes; later ones are counted."""
    names = "".join(f'<th scope="col">{name}</th>' for name in _COLUMNS)
    stop = run.stop
    caption = (
        f"Run {run.run_id}: {run.start.migration.domain}, {run.start.backend} ({run.start.origin}), {stop.status}, "
        f"stopped by {stop.stop_reason}, downtime {format_s(stop.downtime_s)}"
    )
    more = len(run.iterations) - _SHOWN
    foot = f'<tfoot><tr><td colspan="4">and {more:,} more passes</td></tr></tfoot>' if more > 0 else ""
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{names}</tr></thead>"
        f"<tbody>{_rows(run.iterations[:_SHOWN])}</tbody>{foot}</table>"
    )


def _rows(iterations: "Sequence[Iteration]") -> str:
    return "".join(
        f'<tr><th scope="row">{one.iteration}</th><td>{_count(one.dirty_pages)}</td>'
        f"<td>{format_s(one.ended_s - one.begun_s)}</td>"
        f"<td>{'paused' if one.phase is Phase.STOP_AND_COPY else 'running'}</td></tr>"
        for one in iterations
    )


def _count(pages: int | None) -> str:
    return "unknown" if pages is None else f"{pages:,}"
