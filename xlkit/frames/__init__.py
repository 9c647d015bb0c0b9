"""Runs as tidy tables: iterations, summary, compare. Derived numbers are computed here and only here."""

from xlkit.frames._compare import compare
from xlkit.frames._iterations import iterations
from xlkit.frames._summary import summary
from xlkit.frames._table import Runs

__all__ = ["Runs", "compare", "iterations", "summary"]
