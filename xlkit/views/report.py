"""A page about runs, to be mailed: what was asked, what happened, figures, diagnosis, tables, versions."""

import platform
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Final

from xlkit.diagnosis import diagnose
from xlkit.model import Run
from xlkit.views import report_parts as parts
from xlkit.views.document import document
from xlkit.views.facts import as_runs, labels

MOST_TOLD: Final = 12
"""Runs of which each has a story, a diagnosis and a table of passes; of more, the first of them do."""

_Part = Callable[[Sequence[Run]], str]


def report(runs: Run | Iterable[Run], *, title: str = "Live migrations") -> str:
    """Write one self-contained HTML page about runs.

    Parameters
    ----------
    runs : Run or iterable of Run
        One run or many, or a store. Stories, diagnoses and tables of passes are given of the first dozen; what compares
        runs takes all of them.
    title : str, default "Live migrations"
        Title of the page.

    Returns
    -------
    str
        The text of an HTML file that opens with no network, light or dark as the reader's system is, and can be
        printed. Sections that do not apply to the runs are left out.

    See Also
    --------
    xlkit.views.write : Write it to a file.
    xlkit.diagnose : The diagnosis of one run.
    """
    shown = as_runs(runs)
    if not shown:
        body = "<p>There are no runs to show. Launch a migration first, or name a store that holds runs.</p>"
        return document(title, f"<main>\n<h1>{escape(title)}</h1>\n{body}\n</main>")
    sections = [(name, heading, _made(make, shown)) for name, heading, make in _SECTIONS]
    kept = [(name, heading, body) for name, heading, body in sections if body]
    contents = " · ".join(f'<a href="#{name}">{escape(heading)}</a>' for name, heading, _ in kept)
    told = "\n".join(
        f'<section><h2 id="{name}">{escape(heading)}</h2>\n{body}</section>' for name, heading, body in kept
    )
    return document(
        title,
        f"<main>\n<h1>{escape(title)}</h1>\n<p>{escape(parts.opening(shown))}</p>\n<nav>{contents}</nav>\n{told}\n"
        f"{_footer(shown)}</main>",
    )


def _made(make: _Part, runs: Sequence[Run]) -> str:
    try:
        return make(runs)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        # The rest of a page about a damaged record is worth more than none.
        return f'<p class="note">This could not be made of these records: {escape(str(error) or repr(error))}</p>'


def _story(runs: Sequence[Run]) -> str:
    names = labels(runs)
    return "\n".join([*parts.stories(runs[:MOST_TOLD], names[:MOST_TOLD]), parts.left_out(runs, MOST_TOLD),
                      parts.summary(runs, names)])  # fmt: skip


def _diagnoses(runs: Sequence[Run]) -> str:
    names = labels(runs)
    told = [
        f"<h3>{escape(name)}</h3>\n{diagnose(run)._repr_html_()}"
        for run, name in zip(runs[:MOST_TOLD], names, strict=False)
    ]
    return "\n".join([*told, parts.left_out(runs, MOST_TOLD)])


def _passes(runs: Sequence[Run]) -> str:
    names = labels(runs)
    return "\n".join([*parts.passes(runs[:MOST_TOLD], names), parts.left_out(runs, MOST_TOLD)])


def _footer(runs: Sequence[Run]) -> str:
    from xlkit import __version__

    versions = f"xlkit {__version__}, Python {platform.python_version()}"
    ids = ", ".join(run.run_id for run in runs[:MOST_TOLD])
    more = f" and {len(runs) - MOST_TOLD:,} more" if len(runs) > MOST_TOLD else ""
    return f"<footer>Made with {escape(versions)} of the runs {escape(ids)}{more}.</footer>\n"


_SECTIONS: Final[tuple[tuple[str, str, _Part], ...]] = (
    ("asked", "What was asked", parts.asked),
    ("happened", "What happened", _story),
    ("compared", "Compared", parts.compared),
    ("figures", "Figures", parts.figures),
    ("expected", "Expected, and what happened", parts.expected),
    ("diagnosis", "Diagnosis", _diagnoses),
    ("policies", "Under other knobs", parts.policies),
    ("passes", "Every pass", _passes),
    ("versions", "Versions and clocks", parts.versions),
)
