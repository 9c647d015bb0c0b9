"""Memory that several processes share: the guest's pages, its marks and its clocks."""

import contextlib
import mmap
import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from xlkit.errors import EngineError
from xlkit.units import PAGE_BYTES, format_bytes

Buffer = mmap.mmap | bytearray | memoryview
_MADV_POPULATE_WRITE = 23
_SPARE_BYTES = 64 << 20


class SharedMemory:
    """A file without a name, mapped; whoever holds its descriptor sees the same bytes.

    Parameters
    ----------
    fd : int
        Descriptor of the file, taken over: `close` closes it.
    size_bytes : int
        How much of it to map [byte].
    """

    def __init__(self, fd: int, size_bytes: int) -> None:
        self.fd = fd
        self.size_bytes = size_bytes
        self.map = mmap.mmap(fd, size_bytes)

    @classmethod
    def create(cls, size_bytes: int, name: str = "xlkit") -> Self:
        """Make new shared memory, all zero; pages are allocated as they are first written.

        Parameters
        ----------
        size_bytes : int
            How much [byte], a whole number of pages.
        name : str, default "xlkit"
            What ``/proc`` shows for it.

        Returns
        -------
        SharedMemory
            Mapped into this process.

        Raises
        ------
        EngineError
            If the size is no whole number of pages, or the machine has not that much memory free.
        """
        if size_bytes <= 0 or size_bytes % PAGE_BYTES:
            raise EngineError(f"Shared memory comes in whole pages of {PAGE_BYTES} B, not in {size_bytes} B.")
        require_free(size_bytes)
        fd = _anonymous_file(name)
        try:
            os.truncate(fd, size_bytes)
            return cls(fd, size_bytes)
        except OSError as error:
            os.close(fd)
            raise EngineError(f"Mapping {format_bytes(size_bytes)} of shared memory failed: {error}.") from error

    @property
    def memory_pages(self) -> int:
        """How much it holds [page of 4096 B]."""
        return self.size_bytes // PAGE_BYTES

    def populate(self) -> None:
        """Allocate every page and enter it in this process's page tables, so that no later access waits for it."""
        try:
            self.map.madvise(_MADV_POPULATE_WRITE)
        except (AttributeError, OSError, ValueError):
            # Older kernels and other systems: one store a page does the same. |= 0 keeps what is there.
            page_view(self.map)[:, 0] |= 0

    def close(self) -> None:
        """Unmap, as soon as no array looks into it any more, and close the descriptor."""
        with contextlib.suppress(BufferError):
            self.map.close()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def page_view(memory: Buffer) -> npt.NDArray[np.uint8]:
    """Look at memory page by page.

    Parameters
    ----------
    memory : mmap.mmap, bytearray or memoryview
        Whole pages.

    Returns
    -------
    numpy.ndarray
        The same bytes, not a copy; shape (pages, 4096).

    Examples
    --------
    >>> page_view(bytearray(8192)).shape
    (2, 4096)
    """
    return np.frombuffer(memory, np.uint8).reshape(-1, PAGE_BYTES)


def free_bytes() -> int | None:
    """Tell how much memory this process can still get.

    Returns
    -------
    int or None
        What the machine has available, or what its container has left if that is less [byte]; None if not told.
    """
    known = [amount for amount in (_machine_free_bytes(), _container_free_bytes()) if amount is not None]
    return min(known, default=None)


def require_free(size_bytes: int) -> None:
    """Refuse a guest that this machine cannot hold, before anything is allocated.

    Parameters
    ----------
    size_bytes : int
        All that is going to be allocated: source, destination and marks where they share a machine [byte].

    Raises
    ------
    EngineError
        If less is free.
    """
    free = free_bytes()
    if free is not None and size_bytes + _SPARE_BYTES > free:
        raise EngineError(
            f"{format_bytes(size_bytes)} of memory are asked for, {format_bytes(free)} are free. Take a smaller guest."
        )


def _anonymous_file(name: str) -> int:
    if hasattr(os, "memfd_create"):
        with contextlib.suppress(OSError):
            return os.memfd_create(name, os.MFD_CLOEXEC)
    with tempfile.TemporaryFile(prefix=name) as file:
        return os.dup(file.fileno())


def _machine_free_bytes() -> int | None:
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _container_free_bytes(group: Path = Path("/sys/fs/cgroup")) -> int | None:
    try:
        limit, used = ((group / f"memory.{what}").read_text(encoding="ascii").strip() for what in ("max", "current"))
        return max(0, int(limit) - int(used))
    except (OSError, ValueError):
        # No control group of version 2 here, or the word "max": no limit.
        return None
