"""The small table that a notebook shows for a store."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from xlkit.policies import to_settings
from xlkit.store._records import RunHead
from xlkit.units import format_s

_SHOWN = 10
_COLUMNS = ("run id", "backend", "domain", "policy", "iterations", "downtime", "status")


def html_table(path: Path, heads: Sequence[RunHead]) -> str:
    """Show the latest runs, latest first."""
    names = "".join(f'<th scope="col">{name}</th>' for name in _COLUMNS)
    rows = "".join(_row(head) for head in reversed(heads[-_SHOWN:]))
    shown = f", the latest {_SHOWN}" if len(heads) > _SHOWN else ""
    caption = f"{len(heads)} runs in {escape(str(path))}{shown}"
    return f"<table><caption>{caption}</caption><thead><tr>{names}</tr></thead><tbody>{rows}</tbody></table>"


def _row(head: RunHead) -> str:
    cells = (
        head.start.backend,
        head.start.migration.domain,
        to_settings(head.start.policy)["name"],
        head.n_iterations,
        format_s(head.stop.downtime_s),
        head.stop.status,
    )
    return (
        f'<tr><th scope="row">{escape(head.run_id)}</th>'
        + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells)
        + "</tr>"
    )
