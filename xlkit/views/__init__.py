"""Figures and pages: one view a file, rows for the figure first, then the figure."""

from xlkit.views.compare import compare_rows, plot_compare
from xlkit.views.convergence import convergence_rows, plot_convergence
from xlkit.views.costs import costs_rows, plot_costs
from xlkit.views.dirty_curve import dirty_curve_rows, plot_dirty_curve
from xlkit.views.document import save, write
from xlkit.views.downtime import downtime_rows, plot_downtime
from xlkit.views.forecast import forecast_rows, plot_forecast
from xlkit.views.iterations import iterations_rows, plot_iterations
from xlkit.views.memory import memory_rows, plot_memory
from xlkit.views.policy_map import plot_policy_map, policy_map_rows
from xlkit.views.report import report
from xlkit.views.template import Figure
from xlkit.views.timeline import plot_timeline, timeline_rows
from xlkit.views.tradeoff import plot_tradeoff, tradeoff_rows

__all__ = [
    "Figure",
    "compare_rows",
    "convergence_rows",
    "costs_rows",
    "dirty_curve_rows",
    "downtime_rows",
    "forecast_rows",
    "iterations_rows",
    "memory_rows",
    "plot_compare",
    "plot_convergence",
    "plot_costs",
    "plot_dirty_curve",
    "plot_downtime",
    "plot_forecast",
    "plot_iterations",
    "plot_memory",
    "plot_policy_map",
    "plot_timeline",
    "plot_tradeoff",
    "policy_map_rows",
    "report",
    "save",
    "timeline_rows",
    "tradeoff_rows",
    "write",
]


def __dir__() -> list[str]:
    # The rooms behind the views are no names to complete.
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
