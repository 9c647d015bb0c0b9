"""A page about runs: what was asked, what happened, figures, tables, versions."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from xlkit.model import Run
from xlkit.views.costs import plot_costs
from xlkit.views.document import document, figure_html
from xlkit.views.facts import NOT_SET, as_runs, asked_facts, downtime_text, labels
from xlkit.views.iterations import plot_iterations
from xlkit.views.prose import THRESHOLD_NOTE, difference, happened
from xlkit.views.tables import asked_tables, html_table, iterations_table, summary_table

_ITERATIONS_CAPTION = (
    "Dirty pages of each pass, on a log scale. Dotted: min_remaining, the line below which precopy ends. Stars: the "
    "pages that were sent while the guest stood still."
)

_GUEST = (
    ("memory_bytes", "memory"),
    ("bandwidth_bytes_s", "bandwidth"),
    ("workload", "workload"),
    ("workload rate_pages_s", "writes at"),
    ("workload working_set_pages", "writable working set of"),
)


def page(runs: Run | Iterable[Run], *, title: str = "Live migrations compared") -> str:
    """Write one self-contained HTML page about runs.

    Parameters
    ----------
    runs : Run or iterable of Run
        One run or many, or a store.
    title : str, default "Live migrations compared"
        Title of the page.

    Returns
    -------
    str
        The text of an HTML file that opens with no network, light or dark as the reader's system is.

    See Also
    --------
    xlkit.views.write : Write it to a file.
    """
    shown = as_runs(runs)
    names = labels(shown)
    parts = _empty() if not shown else [*_story(shown, names), *_figures(shown, names), *_tables(shown, names)]
    return document(title, f"<main>\n<h1>{escape(title)}</h1>\n" + "\n".join(parts) + "\n</main>")


def _empty() -> list[str]:
    return ["<p>There are no runs to show. Launch a migration first, or name a store that holds runs.</p>"]


def _story(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    told = [f"<h3>{escape(name)}</h3>\n<p>{escape(happened(run))}</p>" for run, name in zip(runs, names, strict=True)]
    return [
        '<h2 id="asked">What was asked</h2>',
        f"<p>{escape(_asked(runs))}</p>",
        asked_tables(runs, names),
        '<h2 id="happened">What happened</h2>',
        *told,
        f"<p><strong>{escape(difference(runs))}</strong></p>" if difference(runs) else "",
        f'<p class="note">{escape(THRESHOLD_NOTE)}</p>',
        summary_table(runs, names),
    ]


def _asked(runs: Sequence[Run]) -> str:
    count = "One migration was" if len(runs) == 1 else f"{len(runs)} migrations were"
    origins = " and ".join(sorted({str(run.start.origin) for run in runs}))
    return f"{count} asked for. The numbers below are {origins}.{_guest(runs)}"


def _guest(runs: Sequence[Run]) -> str:
    facts = [asked_facts(run) for run in runs]
    shared = {name: text for name, text in facts[0].items() if all(one.get(name) == text for one in facts)}
    told = [f"{noun} {shared[name]}" for name, noun in _GUEST if shared.get(name, NOT_SET) != NOT_SET]
    return f" Each time: {', '.join(told)}." if told else ""


def _figures(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    costs = "; ".join(f"{name}: downtime {downtime_text(run)}" for run, name in zip(runs, names, strict=True))
    return [
        '<h2 id="figures">Figures</h2>',
        figure_html(plot_iterations(*runs), "figure-iterations", _ITERATIONS_CAPTION),
        figure_html(plot_costs(*runs), "figure-compare", f"What each run cost, each scale from zero. {costs}."),
    ]


def _tables(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    passes = [iterations_table(run, name) for run, name in zip(runs, names, strict=True)]
    return [
        '<h2 id="passes">Every pass</h2>',
        *passes,
        '<h2 id="versions">Versions and clocks</h2>',
        _versions(runs, names),
    ]


def _versions(runs: Sequence[Run], names: Sequence[str]) -> str:
    rows = [
        [name, f"{run.start.started_at:%Y-%m-%d %H:%M:%S} UTC", run.start.setup.clock, _named(run.start.setup.versions)]
        for run, name in zip(runs, names, strict=True)
    ]
    return html_table(
        "When each run began, whose clock its times are from, and what took part",
        ["run", "began", "clock", "versions"],
        rows,
    )


def _named(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
