"""Sums and last values over the passes of each of many runs, without a loop over runs."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from xlkit.columns import Column

_LARGE: Final = 2**62


class Segments:
    """Stretches of a long table, one a run.

    Parameters
    ----------
    lengths : numpy.ndarray of int
        Rows of each stretch, one after the other; some can be empty.
    """

    def __init__(self, lengths: npt.NDArray[np.int64]) -> None:
        self._filled = lengths > 0
        self._begins = (np.cumsum(lengths) - lengths)[self._filled]
        self._count = len(lengths)

    def total(self, column: Column, rows: npt.NDArray[np.bool_]) -> Column:
        """Add up, where all is known.

        Parameters
        ----------
        column : Column
            What to add up, a number a row.
        rows : numpy.ndarray of bool
            Which rows count.

        Returns
        -------
        Column
            A sum a stretch; not known where a row that counts is not known, or none counts.
        """
        values = np.where(rows & column.known, column.numbers, 0)
        if values.size and values.dtype == np.int64 and float(np.abs(values.astype(float)).sum()) >= _LARGE:
            values = values.astype(object)  # a sum that does not fit must not wrap
        sums = self._reduced(np.add, values)
        n_rows, n_unknown = self.count(rows), self.count(rows & ~column.known)
        return Column(sums, (n_rows > 0) & (n_unknown == 0))

    def last(self, column: Column, rows: npt.NDArray[np.bool_]) -> Column:
        """Take the number of the last row that counts.

        Parameters
        ----------
        column : Column
            A number a row.
        rows : numpy.ndarray of bool
            Which rows count.

        Returns
        -------
        Column
            A number a stretch; not known where no row counts.
        """
        if not len(rows):
            return Column(np.zeros(self._count, column.numbers.dtype), np.zeros(self._count, bool))
        places = self._reduced(np.maximum, np.where(rows, np.arange(1, len(rows) + 1), 0)) - 1
        return Column(column.numbers[places], (places >= 0) & column.known[places])

    def count(self, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Count the rows that count, in each stretch."""
        counts: npt.NDArray[np.int64] = self._reduced(np.add, rows.astype(np.int64))
        return counts

    def _reduced(self, how: np.ufunc, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        reduced = np.zeros(self._count, values.dtype)
        if len(self._begins):
            reduced[self._filled] = how.reduceat(values, self._begins)
        return reduced
