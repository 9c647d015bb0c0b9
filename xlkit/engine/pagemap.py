"""The kernel's record of written pages: asynchronous write protection in the guest, a scan of its page tables outside.

Needs Linux 6.7 and no privilege. The guest arms its own memory with `WriteProtect` and keeps it open; any process of
the same user then reads and clears the written pages with `PagemapScanner`. Only writes through the guest's own mapping
count.

References
----------
.. [1] Linux, ``Documentation/admin-guide/mm/pagemap.rst``, PAGEMAP_SCAN.
.. [2] Linux, ``Documentation/admin-guide/mm/userfaultfd.rst``, UFFD_FEATURE_WP_ASYNC.
"""

import contextlib
import ctypes
import mmap
import os
import platform
import struct

import numpy as np

from xlkit.engine.libc import last_error, libc
from xlkit.engine.memory import Buffer
from xlkit.engine.runs import Runs, no_runs
from xlkit.errors import EngineError
from xlkit.units import PAGE_BYTES

# Numbers from the kernel's headers: asm/unistd.h, linux/userfaultfd.h, linux/fs.h.
_NR_USERFAULTFD = {"x86_64": 323, "aarch64": 282, "riscv64": 282, "s390x": 355}
_USER_MODE_ONLY = 1
_UFFD_API = 0xAA
_FEATURES = 1 << 12 | 1 << 13 | 1 << 15  # WP_HUGETLBFS_SHMEM, WP_UNPOPULATED, WP_ASYNC
_REGISTER_MODE_WP = 2
_UFFDIO_API = 0xC018AA3F
_UFFDIO_REGISTER = 0xC020AA00
_PAGEMAP_SCAN = 0xC0606610
_PAGE_IS_WRITTEN = 1 << 1
_WP_MATCHING = 1 << 0
_CHECK_WPASYNC = 1 << 1
_SCAN_ARGUMENT = struct.Struct("=12Q")
_WALK_END = struct.Struct("=32xQ")
_MADV_NOHUGEPAGE = 15
_MAX_REGIONS = 1 << 15


def address_of(buffer: Buffer) -> int:
    """Tell where a buffer lies in this process.

    Parameters
    ----------
    buffer : mmap.mmap, bytearray or memoryview
        Any memory.

    Returns
    -------
    int
        Address of its first byte; good as long as the buffer lives.
    """
    return int(np.frombuffer(buffer, np.uint8).ctypes.data)


def forbid_huge_pages(memory: mmap.mmap) -> None:
    """Keep the kernel from mapping memory by huge pages: the first write to one reports all its 512 pages.

    Parameters
    ----------
    memory : mmap.mmap
        The guest's own mapping.
    """
    # A kernel built without huge pages refuses the advice, and needs none.
    with contextlib.suppress(AttributeError, OSError, ValueError):
        memory.madvise(_MADV_NOHUGEPAGE)


class WriteProtect:
    """Arm memory of this process, so that the kernel notes which of its pages are written.

    Parameters
    ----------
    address : int
        Where the memory begins.
    size_bytes : int
        How much of it [byte].

    Raises
    ------
    EngineError
        If the kernel is too old for it or a security profile forbids it.
    """

    def __init__(self, address: int, size_bytes: int) -> None:
        self._fd = _open_userfaultfd()
        try:
            _ioctl(self._fd, _UFFDIO_API, bytearray(struct.pack("=3Q", _UFFD_API, _FEATURES, 0)))
            request = struct.pack("=4Q", address, size_bytes, _REGISTER_MODE_WP, 0)
            _ioctl(self._fd, _UFFDIO_REGISTER, bytearray(request))
        except OSError as error:
            self.close()
            raise EngineError(f"The kernel cannot track writes ({error}); Linux 6.7 can. Use marks.") from error

    def close(self) -> None:
        """Stop the tracking."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class PagemapScanner:
    """Read and clear the written pages of a process that armed its memory.

    Parameters
    ----------
    pid : int
        The process: this one or another of the same user.
    address : int
        Where the memory begins in that process.
    size_bytes : int
        How much of it [byte].

    Raises
    ------
    EngineError
        If that process is gone or may not be looked into.
    """

    def __init__(self, pid: int, address: int, size_bytes: int) -> None:
        try:
            self._fd = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise EngineError(f"The page tables of process {pid} cannot be read: {error}. Use marks.") from error
        self._begin, self._end = address, address + size_bytes
        self._regions = np.zeros((_MAX_REGIONS, 3), np.uint64)
        self._argument = bytearray(_SCAN_ARGUMENT.size)

    def collect(self) -> Runs:
        """Read which pages were written since the last call, and clear the record, in one step for each page.

        Returns
        -------
        numpy.ndarray
            Runs of page numbers, shape (n, 2), ascending. The first call gives every page and starts the record.

        Raises
        ------
        EngineError
            If the process is gone or its memory is not armed.
        """
        found, begin = [], self._begin
        while begin < self._end:
            n_regions = self._scan(begin)
            (begin,) = _WALK_END.unpack_from(self._argument)
            if n_regions:
                found.append(self._regions[:n_regions, :2].astype(np.int64))
        if not found:
            return no_runs()
        runs = found[0] if len(found) == 1 else np.concatenate(found)
        runs -= self._begin
        runs //= PAGE_BYTES
        return runs

    def close(self) -> None:
        """Let go of the process."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _scan(self, begin: int) -> int:
        _SCAN_ARGUMENT.pack_into(
            self._argument, 0, _SCAN_ARGUMENT.size, _WP_MATCHING | _CHECK_WPASYNC, begin, self._end, 0,
            self._regions.ctypes.data, _MAX_REGIONS, 0, 0, _PAGE_IS_WRITTEN, 0, _PAGE_IS_WRITTEN,
        )  # fmt: skip
        try:
            return _ioctl(self._fd, _PAGEMAP_SCAN, self._argument)
        except OSError as error:
            raise EngineError(f"Reading the written pages of the guest failed: {error}.") from error


def _ioctl(fd: int, request: int, argument: bytearray) -> int:
    # Not there on Windows; nobody gets this far without a descriptor from Linux.
    import fcntl

    return int(fcntl.ioctl(fd, request, argument))


def _open_userfaultfd() -> int:
    number = _NR_USERFAULTFD.get(platform.machine()) if os.name == "posix" else None
    if number is None or platform.system() != "Linux":
        raise EngineError(f"{platform.system()} on {platform.machine()} cannot track writes. Use marks.")
    # Without USER_MODE_ONLY an ordinary user is refused.
    fd = libc().syscall(ctypes.c_long(number), ctypes.c_long(_USER_MODE_ONLY | os.O_CLOEXEC | os.O_NONBLOCK))
    if fd < 0:
        raise EngineError(f"The kernel refuses to track writes ({last_error('userfaultfd')}). Use marks.")
    return int(fd)
