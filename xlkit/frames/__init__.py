"""Runs as tidy tables: derived numbers are computed here and only here."""

from xlkit.frames._asked import settings
from xlkit.frames._compare import compare
from xlkit.frames._downtime import downtime
from xlkit.frames._iterations import iterations
from xlkit.frames._rank import rank
from xlkit.frames._summary import summary
from xlkit.frames._table import Runs, table

__all__ = ["Runs", "compare", "downtime", "iterations", "rank", "settings", "summary", "table"]
