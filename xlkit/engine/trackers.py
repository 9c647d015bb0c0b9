"""Which pages did the guest write? By the kernel where it can, else by marks that the guest sets itself.

The ladder: ``wp_async`` (`KernelTracker`) needs Linux 6.7 and a security profile that allows ``userfaultfd``; the
default profile of a container often does not. ``marks`` (`MarksTracker`) works wherever two processes can share
memory, but the guest takes part in its own tracking, so a run says which one it had. `probe` tries the first by a
round trip and names the best one that works.
"""

import mmap
import os
from typing import Protocol

import numpy as np

from xlkit.engine.memory import Buffer
from xlkit.engine.pagemap import PagemapScanner, WriteProtect, address_of, forbid_huge_pages
from xlkit.engine.runs import Runs, pages_to_runs, runs_to_pages
from xlkit.errors import EngineError, InvalidValueError
from xlkit.units import PAGE_BYTES

_PROBE_PAGES = 16
_PROBE_WRITES = (3, 4, 11)


class Tracker(Protocol):
    """Tells the migrator which pages were written."""

    name: str

    def collect(self) -> Runs:
        """Read which pages were written since the last call, and clear the record."""

    def close(self) -> None:
        """Let go of the guest."""


class KernelTracker:
    """Ask the kernel; the guest must have armed its memory with `WriteProtect`.

    Parameters
    ----------
    pid : int
        The guest's process.
    address : int
        Where the guest's memory lies in that process.
    size_bytes : int
        Size of the guest [byte].

    Raises
    ------
    EngineError
        If the process cannot be looked into.
    """

    name = "wp_async"

    def __init__(self, pid: int, address: int, size_bytes: int) -> None:
        self._scanner = PagemapScanner(pid, address, size_bytes)

    def collect(self) -> Runs:
        """Read which pages were written since the last call, and clear the record.

        Returns
        -------
        numpy.ndarray
            Runs of shape (n, 2). The first call gives every page.

        Raises
        ------
        EngineError
            If the guest is gone.
        """
        return self._scanner.collect()

    def close(self) -> None:
        """Let go of the guest."""
        self._scanner.close()


class MarksTracker:
    """Read the marks that the guest sets: one byte a page, set after the page is written.

    Parameters
    ----------
    marks : mmap.mmap, bytearray or memoryview
        Shared with the guest; one byte a page, and perhaps more behind them.
    memory_pages : int, optional
        Size of the guest [page of 4096 B]; all of `marks` when not given.
    """

    name = "marks"

    def __init__(self, marks: Buffer, memory_pages: int | None = None) -> None:
        self._marks = np.frombuffer(marks, np.uint8, len(marks) if memory_pages is None else memory_pages)

    def collect(self) -> Runs:
        """Read which pages were marked since the last call, and clear their marks.

        A page must be copied after this call: a write in between then is either in the copy or marked anew.

        Returns
        -------
        numpy.ndarray
            Runs of shape (n, 2).
        """
        # The guest goes on marking: what counts is this copy, and only what it holds may be cleared.
        marked = np.flatnonzero(self._marks.copy())
        self._marks[marked] = 0
        return pages_to_runs(marked)

    def close(self) -> None:
        """Let go of the marks."""
        self._marks = self._marks[:0].copy()


NAMES = (KernelTracker.name, MarksTracker.name)


def probe(*, force: str | None = None) -> str:
    """Name the best tracker that works here, by trying it on a few pages of this process.

    Parameters
    ----------
    force : str, optional
        Take this one and no other: ``wp_async`` or ``marks``.

    Returns
    -------
    str
        ``wp_async`` or ``marks``.

    Raises
    ------
    InvalidValueError
        If `force` names no tracker.
    EngineError
        If `force` asks for the kernel's tracking and it does not work here.
    """
    if force is not None and force not in NAMES:
        raise InvalidValueError(f"Unknown tracker {force!r}; there are {', '.join(NAMES)}.")
    if force == MarksTracker.name:
        return force
    try:
        _try_kernel()
    except EngineError:
        if force:
            raise
        return MarksTracker.name
    return KernelTracker.name


def _try_kernel() -> None:
    size_bytes = _PROBE_PAGES * PAGE_BYTES
    with mmap.mmap(-1, size_bytes) as memory:
        forbid_huge_pages(memory)
        armed = WriteProtect(address_of(memory), size_bytes)
        try:
            seen = _round_trip(memory)
        finally:
            armed.close()
    if seen != list(_PROBE_WRITES):
        wrote = list(_PROBE_WRITES)
        raise EngineError(f"The kernel's tracking is not exact here: pages {wrote} written, {seen} told. Use marks.")


def _round_trip(memory: mmap.mmap) -> list[int]:
    tracker = KernelTracker(os.getpid(), address_of(memory), len(memory))
    try:
        tracker.collect()
        for page in _PROBE_WRITES:
            memory[page * PAGE_BYTES] = 1
        return [int(page) for page in runs_to_pages(tracker.collect())]
    finally:
        tracker.close()
