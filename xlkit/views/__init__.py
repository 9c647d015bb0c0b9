"""Figures and pages: one view a file, rows for the figure first, then the figure."""

from xlkit.views.compare import compare_rows, plot_compare
from xlkit.views.document import save, write
from xlkit.views.iterations import iterations_rows, plot_iterations
from xlkit.views.page import page
from xlkit.views.template import Figure

__all__ = [
    "Figure",
    "compare_rows",
    "iterations_rows",
    "page",
    "plot_compare",
    "plot_iterations",
    "save",
    "write",
]
