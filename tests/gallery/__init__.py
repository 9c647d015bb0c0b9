"""Every view of the kit on one page: ``make gallery`` writes it, to be looked at in light and dark."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from tests.gallery.runs import Runs, recorded
from xlkit import views
from xlkit.views.document import document, figure_html

Drawn = Callable[[Runs], views.Figure]

# A view a line: what it draws here, and what there is to see.
VIEWS: Mapping[str, tuple[Drawn, str]] = MappingProxyType(
    {
        "plot_iterations": (
            lambda runs: views.plot_iterations(runs.xen[8:]),
            "Dirty pages of a guest that writes fast, under four rules, on real Xen; stars: it stood still.",
        ),
        "plot_timeline": (
            lambda runs: views.plot_timeline(runs.xen),
            "Where the time went in twelve migrations between real Xen hosts: most of it in pass 0.",
        ),
        "plot_convergence": (
            lambda runs: views.plot_convergence(runs.warm, runs.busy),
            "Two simulated guests: the one below the line gets ever smaller sets, the one on it goes round in circles.",
        ),
        "plot_dirty_curve": (
            lambda runs: views.plot_dirty_curve(runs.warm, runs.busy),
            "Distinct pages dirtied in a window. Where a curve crosses its link, precopy comes no further down.",
        ),
        "plot_compare": (
            lambda runs: views.plot_compare(runs.many, align="time"),
            "Three hundred simulated runs over one another, by time; the four that stand out are named.",
        ),
        "plot_costs": (
            lambda runs: views.plot_costs(runs.xen[8:]),
            "What four rules cost the same guest, each scale from zero.",
        ),
        "plot_tradeoff": (
            lambda runs: views.plot_tradeoff(runs.repeated),
            "Five repetitions of each rule, simulated with noise, with their intervals; dotted: the front.",
        ),
        "plot_policy_map": (
            lambda runs: views.plot_policy_map(runs.xen[-1]),
            "A migration of 23 passes under other knobs; in brackets: the record ends before the rule would.",
        ),
        "plot_downtime": (
            lambda runs: views.plot_downtime(runs.xen[8:], runs.live),
            "Where the downtime went, on real Xen hosts and in the simulator, part by part.",
        ),
        "plot_memory": (
            lambda runs: views.plot_memory(runs.busy),
            "Where the sets of each pass lie, of a simulated guest that writes most to its lower memory.",
        ),
        "plot_forecast": (
            lambda runs: views.plot_forecast(runs.foretold),
            "What two earlier runs let expect of a third, and what happened.",
        ),
    }
)


def gallery() -> str:
    """Draw every view, and return the page."""
    runs = recorded()
    figures = [
        f'<h2 id="{name}">{name}</h2>\n{figure_html(draw(runs), f"figure-{name}", caption)}'
        for name, (draw, caption) in VIEWS.items()
    ]
    return document("Gallery", "<main>\n<h1>Every view</h1>\n" + "\n".join(figures) + "\n</main>")


def write(path: str | Path) -> Path:
    """Write the page to a file."""
    return views.write(gallery(), path)
