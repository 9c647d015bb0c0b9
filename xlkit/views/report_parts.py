"""The parts of a report, each a piece of HTML; empty where it does not apply to the runs."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from xlkit import frames, units
from xlkit.curves import observed
from xlkit.errors import ComparisonError
from xlkit.model import Run
from xlkit.views.compare import plot_compare
from xlkit.views.convergence import convergence_rows, plot_convergence
from xlkit.views.costs import plot_costs
from xlkit.views.crowd import MOST_NAMED
from xlkit.views.dirty_curve import plot_dirty_curve
from xlkit.views.document import figure_html
from xlkit.views.downtime import plot_downtime
from xlkit.views.facts import NOT_SET, asked_facts, downtime_text, labels
from xlkit.views.forecast import plot_forecast
from xlkit.views.iterations import plot_iterations
from xlkit.views.memory import MOST_RUNS, plot_memory
from xlkit.views.policy_map import plot_policy_map
from xlkit.views.prose import THRESHOLD_NOTE, difference, happened
from xlkit.views.tables import asked_tables, html_table, iterations_table, summary_table
from xlkit.views.timeline import plot_timeline
from xlkit.views.tradeoff import plot_tradeoff, tradeoff_rows

MOST_ROWS: Final = 200
_FEWEST_FOR_CURVE = 2
_GUEST = (
    ("memory_bytes", "memory"),
    ("bandwidth_bytes_s", "bandwidth"),
    ("workload", "workload"),
    ("workload rate_pages_s", "writes at"),
    ("workload working_set_pages", "writable working set of"),
)


def opening(runs: Sequence[Run]) -> str:
    """Tell how many runs there are, where their numbers come from, and how they ended."""
    count = "One migration was" if len(runs) == 1 else f"{len(runs):,} migrations were"
    origins = " and ".join(sorted({str(run.start.origin) for run in runs}))
    statuses = [run.stop.status for run in runs]
    ends = ", ".join(f"{statuses.count(one):,} {one}" for one in dict.fromkeys(statuses))
    return f"{count} asked for ({ends}). The numbers below are {origins}.{_guest(runs)}"


def asked(runs: Sequence[Run]) -> str:
    """Tabulate what differed, then what was the same, folded away."""
    if len(runs) > MOST_NAMED:
        groups = frames.compare(*runs)
        rows = [[row["policy"], row["settings"] or "the same", row["runs"]] for row in _records(groups)]
        return html_table("Policies and settings that differ", ["policy", "other settings", "runs"], rows[:MOST_ROWS])
    return asked_tables(runs, labels(runs))


def stories(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    """Tell what happened in each run."""
    told = [f"<h3>{escape(name)}</h3>\n<p>{escape(happened(run))}</p>" for run, name in zip(runs, names, strict=True)]
    between = difference(runs)
    return [
        *told,
        f"<p><strong>{escape(between)}</strong></p>" if between else "",
        f'<p class="note">{escape(THRESHOLD_NOTE)}</p>',
    ]


def summary(runs: Sequence[Run], names: Sequence[str]) -> str:
    """Tabulate what happened, a row a run."""
    return summary_table(runs[:MOST_ROWS], names[:MOST_ROWS]) + left_out(runs, MOST_ROWS)


def left_out(runs: Sequence[Run], most: int) -> str:
    """Say how many runs are not told here."""
    if len(runs) <= most:
        return ""
    return (
        f'<p class="note">{len(runs) - most:,} more runs are not told here, one by one; '
        "<code>xlkit show RUN</code> and <code>xlkit diagnose RUN</code> do.</p>"
    )


def compared(runs: Sequence[Run]) -> str:
    """Compare settings by their repetitions, and rank them or say why not."""
    if len(runs) == 1:
        return ""
    head = ["setting", "runs", "completed", "downtime", "95 % interval", "total time", "95 % interval", "far off"]
    rows = [
        [
            f"{row['policy']}{', ' * bool(row['settings'])}{row['settings']} ({row['origin']})", row["runs"],
            row["completed"], units.format_s(row["median_downtime_s"]), _interval(row, "downtime_s"),
            units.format_s(row["median_total_s"]), _interval(row, "total_s"), row["outliers"] or "none",
        ]
        for row in _records(frames.compare(*runs))
    ]  # fmt: skip
    title = "Medians over the completed repetitions; an interval needs three of them"
    table = html_table(title, head, rows[:MOST_ROWS])
    figures = [_figure("compare", plot_compare(*runs), "Dirty pages of each pass, over one another; stars: the pages "
                       "that were sent while the guest stood still.")]  # fmt: skip
    if len(tradeoff_rows(*runs)) > 1:
        figures.append(_figure("tradeoff", plot_tradeoff(*runs), "Downtime against total time. Crosses are intervals "
                               "of the median; open symbols were run less than three times."))  # fmt: skip
    return "\n".join([table, _rank(runs), *figures])


def figures(runs: Sequence[Run]) -> str:
    """Draw the runs."""
    costs = "; ".join(f"{name}: downtime {downtime_text(run)}" for run, name in zip(runs, labels(runs), strict=True))
    drawn = [
        _figure("iterations", plot_iterations(*runs), "Dirty pages of each pass, log scale. Dotted: min_remaining, "
                "the line below which precopy ends. Stars: the pages that were sent while the guest stood still."),
        _figure("timeline", plot_timeline(*runs), "Where the time went, each run by its own clock."),
    ]  # fmt: skip
    if len(runs) <= MOST_NAMED:
        drawn.append(_figure("costs", plot_costs(*runs), f"What each run cost, each scale from zero. {costs}."))
    if any(part.duration_s is not None for run in runs for part in run.stop.downtime):
        drawn.append(_figure("downtime", plot_downtime(*runs), "The parts of the downtime; ≤ is a bound."))
    if len(convergence_rows(*runs)):
        drawn.append(_figure("convergence", plot_convergence(*runs), "Above the dotted line the guest dirties "
                             "more than the link carries."))  # fmt: skip
    if len(observed(list(runs))) >= _FEWEST_FOR_CURVE:
        drawn.append(_figure("curve", plot_dirty_curve(*runs), "Distinct pages dirtied in a window. Where the curve "
                             "crosses the link, precopy comes no further down."))  # fmt: skip
    if len(runs) <= MOST_RUNS and any(one.map_pages for run in runs for one in run.iterations):
        drawn.append(_figure("memory", plot_memory(*runs), "Where the pages of each pass lie, and how often each part "
                             "of the memory has gone out by then. The slider chooses the pass."))  # fmt: skip
    return "\n".join(drawn)


def expected(runs: Sequence[Run]) -> str:
    """Draw forecasts against outcomes, where they were recorded."""
    if all(run.start.forecast is None for run in runs):
        return ""
    return _figure("forecast", plot_forecast(*runs), "What earlier runs let expect of each, and how it came out, as a "
                   "multiple of the likely value.")  # fmt: skip


def policies(runs: Sequence[Run]) -> str:
    """Replay the runs under other knobs."""
    if not any(one.dirty_pages is not None for run in runs for one in run.iterations):
        return ""
    return _figure("policies", plot_policy_map(*runs), "What would have been sent while the guest stands still, under "
                   "other knobs, as far as the records tell; in brackets, the modelled range beyond them.")  # fmt: skip


def passes(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    """Tabulate every pass of each run."""
    return [iterations_table(run, name) for run, name in zip(runs, names, strict=False)]


def versions(runs: Sequence[Run]) -> str:
    """Tell when each run began, whose clock its times are from, and what took part."""
    rows = [
        [name, f"{run.start.started_at:%Y-%m-%d %H:%M:%S} UTC", run.start.setup.clock, _named(run.start.setup.versions)]
        for run, name in zip(runs[:MOST_ROWS], labels(runs), strict=False)
    ]
    title = "When each run began, whose clock its times are from, and what took part"
    return html_table(title, ["run", "began", "clock", "versions"], rows)


def _figure(name: str, figure: Any, caption: str) -> str:
    return figure_html(figure, f"figure-{name}", caption)


def _rank(runs: Sequence[Run]) -> str:
    try:
        rows = _records(frames.rank(*runs))
    except ComparisonError as error:
        return f'<p class="note">{escape(str(error))}</p>'
    first, *others = rows
    apart = [row["policy"] for row in others if row["differs"]]
    same = [row["policy"] for row in others if not row["differs"]]
    told = [f"By downtime, {first['policy']} comes first, with a median of {units.format_s(first['median'])}."]
    told += [f"{', '.join(apart)} {'differ' if len(apart) > 1 else 'differs'} from it."] if apart else []
    told += [f"{', '.join(same)} cannot be told apart from it by these repetitions."] if same else []
    return f"<p>{escape(' '.join(told))}</p>"


def _guest(runs: Sequence[Run]) -> str:
    facts = [asked_facts(run) for run in runs]
    shared = {name: text for name, text in facts[0].items() if all(one.get(name) == text for one in facts)}
    told = [f"{noun} {shared[name]}" for name, noun in _GUEST if shared.get(name, NOT_SET) != NOT_SET]
    return f" Each time: {', '.join(told)}." if told else ""


def _interval(row: Mapping[str, Any], name: str) -> str:
    low, high = row[f"low_{name}"], row[f"high_{name}"]
    return "not enough runs" if low is None or high is None else f"{units.format_s(low)} to {units.format_s(high)}"


def _records(table: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")
    return rows


def _named(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
