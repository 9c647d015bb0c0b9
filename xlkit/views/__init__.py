"""Figures and pages: one view a file, rows for the figure first, then the figure."""

from xlkit.views.compare import compare_rows, plot_compare
from xlkit.views.costs import costs_rows, plot_costs
from xlkit.views.document import save, write
from xlkit.views.downtime import downtime_rows, plot_downtime
from xlkit.views.iterations import iterations_rows, plot_iterations
from xlkit.views.page import page
from xlkit.views.template import Figure
from xlkit.views.tradeoff import plot_tradeoff, tradeoff_rows

__all__ = [
    "Figure",
    "compare_rows",
    "costs_rows",
    "downtime_rows",
    "iterations_rows",
    "page",
    "plot_compare",
    "plot_costs",
    "plot_downtime",
    "plot_iterations",
    "plot_tradeoff",
    "save",
    "tradeoff_rows",
    "write",
]
