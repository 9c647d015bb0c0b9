"""Tables for a page: captioned, with units, readable by a screen reader."""

from collections.abc import Iterable, Sequence
from html import escape

from xlkit import units
from xlkit.model import Iteration, Run
from xlkit.views.facts import NOT_SET, asked_facts, downtime_text


def html_table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table as HTML.

    Parameters
    ----------
    caption : str
        What the table shows.
    head : sequence of str
        Titles of the columns; the first one names the rows.
    rows : iterable of sequence
        A cell a column; text is escaped, numbers are set to the right.

    Returns
    -------
    str
        A ``table`` element in a frame that scrolls sideways when the page is narrow.

    Examples
    --------
    >>> html_table("Passes", ["pass"], [[0]]).count("<th scope")
    2
    """
    titles = "".join(f'<th scope="col">{escape(title)}</th>' for title in head)
    body = "\n".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    name = escape(caption)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{name}"><table><caption>{name}</caption>\n'
        f"<thead><tr>{titles}</tr></thead>\n<tbody>{body}</tbody></table></div>"
    )


def asked_tables(runs: Sequence[Run], names: Sequence[str]) -> str:
    """Tabulate what was asked: what differs, a column a run, then what was the same for all, folded away.

    Parameters
    ----------
    runs : sequence of Run
        The runs of the page.
    names : sequence of str
        Their labels.

    Returns
    -------
    str
        Up to two ``table`` elements, the second one in a ``details`` element.
    """
    facts = [asked_facts(run) for run in runs]
    settings = dict.fromkeys(name for one in facts for name in one)
    rows = [[name, *(one.get(name, NOT_SET) for one in facts)] for name in settings]
    different = [row for row in rows if len(set(row[1:])) > 1]
    same = [row[:2] for row in rows if len(set(row[1:])) == 1]
    shown = html_table("What differed", ["setting", *names], different) if different else ""
    whole = html_table("Settings", ["setting", "value"], same)
    title = "What was the same for every run" if len(runs) > 1 else "Every setting"
    return f"{shown}\n<details><summary>{title} ({len(same)} settings)</summary>{whole}</details>"


def iterations_table(run: Run, name: str) -> str:
    """Tabulate the passes of a run.

    Parameters
    ----------
    run : Run
        Any run.
    name : str
        Its label.

    Returns
    -------
    str
        A ``table`` element, or a sentence where no pass had ended.
    """
    if not run.iterations:
        return f"<p>No pass of {escape(name)} had ended.</p>"
    head = ["iteration", "phase", "dirty pages", "sent", "begun", "took", "answer before", "answer after"]
    return html_table(f"Passes of {name}", head, [_pass_cells(one) for one in run.iterations])


def summary_table(runs: Sequence[Run], names: Sequence[str]) -> str:
    """Tabulate what happened, a row a run.

    Parameters
    ----------
    runs : sequence of Run
        The runs of the page.
    names : sequence of str
        Their labels.

    Returns
    -------
    str
        A ``table`` element.
    """
    head = ["run", "status", "stopped by", "passes", "downtime", "total time", "run id"]
    rows = [
        [
            name,
            run.stop.status,
            run.stop.stop_reason,
            len(run.iterations),
            downtime_text(run),
            units.format_s(run.stop.ended_s),
            run.run_id,
        ]
        for run, name in zip(runs, names, strict=True)
    ]
    return html_table("What happened (passes: the one sent while the guest stood still included)", head, rows)


def _pass_cells(one: Iteration) -> list[object]:
    return [
        one.iteration,
        one.phase,
        "unknown" if one.dirty_pages is None else one.dirty_pages,
        units.format_bytes(one.sent_bytes),
        units.format_s(one.begun_s),
        units.format_s(one.ended_s - one.begun_s),
        one.decision_before or "not asked",
        one.decision_after or "not asked",
    ]


def _cells(row: Sequence[object]) -> str:
    first, *rest = row
    return f'<th scope="row">{escape(str(first))}</th>' + "".join(_cell(one) for one in rest)


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{escape(str(value))}</td>"
