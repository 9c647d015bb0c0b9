"""What a row of the table is, and how it is printed."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass


class Skipped(Exception):  # noqa: N818  (no fault: the machine lacks what the row needs)
    """The row cannot be measured here; the message says what is missing."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line: what is measured, what it must reach, and how to measure it.

    Parameters
    ----------
    name : str
        Short, for choosing rows on the command line.
    what : str
        What is measured, and in which unit or against what.
    measure : callable
        Takes the number of pairs, gives one value a pair.
    at_least, at_most : float, optional
        What the median must reach; a row with neither informs.
    """

    name: str
    what: str
    measure: Callable[[int], Sequence[float]]
    at_least: float | None = None
    at_most: float | None = None

    @property
    def must(self) -> str:
        """What the median must reach, as text."""
        bounds = [(">=", self.at_least), ("<=", self.at_most)]
        return " ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None) or "-"

    def verdict(self, median: float) -> str:
        """Judge a median."""
        if self.at_least is None and self.at_most is None:
            return "-"
        reached = (self.at_least is None or median >= self.at_least) and (
            self.at_most is None or median <= self.at_most
        )
        return "ok" if reached else "MISSED"


HEADER = f"{'what':<74} {'must':>8} {'median':>8} {'min-max':>17} {'pairs':>5}  verdict"


def measured_line(row: Row, pairs: int) -> tuple[str, bool]:
    """Measure a row.

    Returns
    -------
    str
        Its line of the table.
    bool
        Whether it missed what it must reach.
    """
    try:
        values = row.measure(pairs)
    except Skipped as reason:
        return f"{row.what:<74} {row.must:>8} {'':>8} {'':>17} {'':>5}  skipped: {reason}", False
    median = statistics.median(values)
    span, verdict = f"{min(values):.3g}-{max(values):.3g}", row.verdict(median)
    return f"{row.what:<74} {row.must:>8} {median:>8.3g} {span:>17} {len(values):>5}  {verdict}", verdict == "MISSED"
