"""What the commands print for people: runs as tables and sentences."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from xlkit import units
from xlkit.model import DowntimePart, Iteration, Knowledge, Run, Setup
from xlkit.policies import to_text

if TYPE_CHECKING:
    from xlkit.store import RunHead

WIDTH = 100
_PASSES = ("pass", "phase", "dirty pages", "sent", "begun", "took")
_BOUNDS = {Knowledge.AT_MOST: "at most ", Knowledge.AT_LEAST: "at least "}


def heads_text(heads: "Sequence[RunHead]") -> str:
    """Tabulate the heads of runs.

    Parameters
    ----------
    heads : sequence of RunHead
        The runs of a store.

    Returns
    -------
    str
        A line a run.
    """
    titles = ["run", "status", "stopped by", "backend", "domain", "policy", "passes", "total", "downtime"]
    rows = [
        [
            head.run_id,
            head.stop.status,
            head.stop.stop_reason,
            f"{head.start.backend} ({head.start.origin})",
            head.start.migration.domain,
            to_text(head.start.policy),
            head.n_iterations,
            units.format_s(head.stop.ended_s),
            units.format_s(head.stop.downtime_s),
        ]
        for head in heads
    ]
    return table(titles, rows)


def setup_text(setup: Setup) -> str:
    """Write what a backend found before anything was started.

    Parameters
    ----------
    setup : Setup
        What its preflight returned.

    Returns
    -------
    str
        A line a setting.
    """
    from xlkit.views.facts import quantity

    workload = setup.settings.get("workload", {})
    settings = {name: value for name, value in setup.settings.items() if name != "workload"}
    facts = {name: quantity(name, value) for name, value in settings.items() if value is not None}
    facts |= {f"workload {name}": quantity(name, value) for name, value in workload.items() if value is not None}
    facts |= {"policy is applied": setup.applied, "numbers are": setup.origin, "clock": setup.clock}
    facts |= {f"version of {name}": version for name, version in setup.versions.items()}
    lines = [f"  {name:<{max(map(len, facts))}}  {value}" for name, value in facts.items()]
    return "\n".join(["Nothing was started. The set-up:", *lines])


def run_text(run: Run) -> str:
    """Write a run for a reader: what was asked, every pass, what happened.

    Parameters
    ----------
    run : Run
        Any run.

    Returns
    -------
    str
        Several lines.
    """
    from xlkit.views.prose import happened

    asked = run.start.migration
    return "\n".join(
        [
            f"Run {run.run_id}: {asked.domain} from {asked.source} to {asked.destination}, {run.stop.status}",
            f"Backend {run.start.backend} ({run.start.origin}), policy {to_text(run.start.policy)}",
            *([table(_PASSES, map(_pass_cells, run.iterations))] if run.iterations else []),
            click.wrap_text(happened(run), WIDTH),
            *_downtime_lines(run.stop.downtime),
        ]
    )


def table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Set cells in columns, numbers and quantities to the right.

    Parameters
    ----------
    titles : sequence of str
        Titles of the columns.
    rows : iterable of sequence
        A cell a column; None is written as unknown.

    Returns
    -------
    str
        The lines, without blanks at their ends.

    Examples
    --------
    >>> print(table(["pass", "sent"], [[0, 65536], [1, 90]]))
    pass    sent
       0  65,536
       1      90
    """
    cells = [[_cell(one) for one in row] for row in rows]
    lines = [list(titles), *cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    right = [all(_is_quantity(one) for one in column) for column in zip(*cells, strict=True)] or [False] * len(widths)
    return "\n".join(
        "  ".join(
            one.rjust(width) if is_right else one.ljust(width)
            for one, width, is_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def _cell(value: object) -> str:
    if value is None:
        return "unknown"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _is_quantity(text: str) -> bool:
    return text == "unknown" or text[:1].isdigit()


def _pass_cells(one: Iteration) -> list[object]:
    sent = units.format_bytes(one.sent_bytes)
    return [
        one.iteration,
        one.phase,
        one.dirty_pages,
        sent,
        units.format_s(one.begun_s),
        units.format_s(one.ended_s - one.begun_s),
    ]


def _downtime_lines(parts: Sequence[DowntimePart]) -> list[str]:
    if not parts:
        return []
    told = [f"{part.name} {_BOUNDS.get(part.knowledge, '')}{units.format_s(part.duration_s)}" for part in parts]
    meaning = "Downtime counts from asking the guest to suspend until it runs again"
    parts_told = f"Its parts, and what was measured beside it: {', '.join(told)}."
    return [click.wrap_text(f"{meaning}. {parts_told}", WIDTH)]
