"""Sets of pages as runs: an int64 array of shape (n, 2), each row the [first, end) numbers of neighbouring pages."""

import numpy as np
import numpy.typing as npt

from xlkit.errors import EngineError

Pages = npt.NDArray[np.int64]
Runs = npt.NDArray[np.int64]


def no_runs() -> Runs:
    """Give the empty set of pages.

    Returns
    -------
    numpy.ndarray
        Runs of shape (0, 2).
    """
    return np.zeros((0, 2), np.int64)


def all_runs(memory_pages: int) -> Runs:
    """Give the set of all pages of a guest.

    Parameters
    ----------
    memory_pages : int
        Size of the guest [page of 4096 B].

    Returns
    -------
    numpy.ndarray
        Runs of shape (1, 2), or (0, 2) when there are no pages.

    Examples
    --------
    >>> all_runs(64).tolist()
    [[0, 64]]
    """
    return np.array([[0, memory_pages]], np.int64) if memory_pages else no_runs()


def count_pages(runs: Runs) -> int:
    """Count the pages of a set.

    Parameters
    ----------
    runs : numpy.ndarray
        Runs of shape (n, 2).

    Returns
    -------
    int
        Pages [page of 4096 B].

    Examples
    --------
    >>> count_pages(np.array([[0, 2], [5, 6]]))
    3
    """
    return int((runs[:, 1] - runs[:, 0]).sum())


def pages_to_runs(pages: npt.ArrayLike) -> Runs:
    """Join neighbouring pages into runs.

    Parameters
    ----------
    pages : array_like of int
        Page numbers, ascending, each once; shape (k,).

    Returns
    -------
    numpy.ndarray
        Runs of shape (n, 2), ascending, none touching the next.

    Examples
    --------
    >>> pages_to_runs([3, 4, 9]).tolist()
    [[3, 5], [9, 10]]
    """
    numbers = np.asarray(pages, np.int64)
    if numbers.size == 0:
        return no_runs()
    last = np.flatnonzero(np.diff(numbers) != 1)
    runs = np.empty((last.size + 1, 2), np.int64)
    runs[0, 0], runs[1:, 0] = numbers[0], numbers[last + 1]
    runs[:-1, 1], runs[-1, 1] = numbers[last] + 1, numbers[-1] + 1
    return runs


def runs_to_pages(runs: Runs) -> Pages:
    """Spell runs out as page numbers.

    Parameters
    ----------
    runs : numpy.ndarray
        Runs of shape (n, 2).

    Returns
    -------
    numpy.ndarray
        Page numbers in the order of the runs; shape (k,).

    Examples
    --------
    >>> runs_to_pages(np.array([[3, 5], [9, 10]])).tolist()
    [3, 4, 9]
    """
    lengths = runs[:, 1] - runs[:, 0]
    skipped = runs[:, 0] - (np.cumsum(lengths) - lengths)
    pages: Pages = np.arange(lengths.sum(), dtype=np.int64)
    pages += np.repeat(skipped, lengths)
    return pages


def count_below(runs: Runs, borders: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Count the pages below each of some page numbers.

    Parameters
    ----------
    runs : numpy.ndarray
        Runs of shape (n, 2), ascending.
    borders : array_like of int
        Page numbers, shape (k,).

    Returns
    -------
    numpy.ndarray
        Pages of the set with a lower number, shape (k,).

    Examples
    --------
    >>> count_below(np.array([[0, 2], [5, 9]]), [1, 5, 7, 100]).tolist()
    [1, 2, 4, 6]
    """
    places = np.asarray(borders, np.int64)
    before = np.concatenate(([0], np.cumsum(runs[:, 1] - runs[:, 0])))
    begun = np.searchsorted(runs[:, 0], places)
    # The last run that begins below a border may reach over it.
    over = np.where(begun > 0, np.append(runs[:, 1], 0)[begun - 1] - places, 0)
    below: npt.NDArray[np.int64] = before[begun] - np.maximum(over, 0)
    return below


def check_runs(runs: Runs, memory_pages: int) -> None:
    """Refuse runs that point outside a guest.

    The runs of a received pass come from another process, and the addresses that the kernel writes to come from them.

    Parameters
    ----------
    runs : numpy.ndarray
        Runs to check.
    memory_pages : int
        Size of the guest [page of 4096 B].

    Raises
    ------
    EngineError
        If the shape is not (n, 2), a run is empty or reversed, or one lies outside the guest.
    """
    if runs.dtype != np.int64 or runs.shape != (len(runs), 2):
        raise EngineError(f"Runs of pages must be int64 of shape (n, 2), not {runs.dtype} of shape {runs.shape}.")
    wrong = (runs[:, 0] < 0) | (runs[:, 0] >= runs[:, 1]) | (runs[:, 1] > memory_pages)
    if wrong.any():
        first, end = runs[int(wrong.argmax())]
        raise EngineError(f"A run of pages from {first} to {end} does not lie within a guest of {memory_pages} pages.")
