"""Pages by lists of addresses: numpy builds the lists, the C library's sendmsg and recvmsg take them whole."""

import contextlib
import ctypes
import errno
import functools
import mmap
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from xlkit.engine.libc import last_error, libc
from xlkit.engine.memory import Buffer
from xlkit.engine.pacing import TokenBucket
from xlkit.engine.pagemap import address_of
from xlkit.engine.runs import Runs, check_runs, count_pages
from xlkit.engine.transport.waiting import CHUNK_BYTES, TICK_S, Patience, Poll, gone
from xlkit.errors import EngineError
from xlkit.units import PAGE_BYTES

_MOST_VECTORS = 1024
_RUNS_AT_ONCE = 1 << 14
_AGAIN = (errno.EAGAIN, errno.EINTR)
Vectors = npt.NDArray[np.int64]


class _MessageHeader(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_bytes", ctypes.c_uint32),
        ("vectors", ctypes.c_void_p),
        ("n_vectors", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_bytes", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


def send_pages(
    sock: socket.socket,
    memory: Buffer,
    runs: Runs,
    *,
    bucket: TokenBucket | None = None,
    interrupted: Poll | None = None,
) -> int:
    """Send pages; see `xlkit.engine.transport.Transport.send_pages`."""  # numpydoc ignore=PR01,RT01
    check_runs(runs, len(memory) // PAGE_BYTES)
    patience = Patience(sock, interrupted)
    chunk_bytes = CHUNK_BYTES if bucket is None else bucket.chunk_bytes

    def moved(n_bytes: int) -> None:
        patience.moved()
        if bucket is not None:
            bucket.take(n_bytes)

    flags = getattr(socket, "MSG_NOSIGNAL", 0)
    with _impatient(sock, socket.SO_SNDTIMEO):
        for vectors in _vectors(memory, runs, chunk_bytes):
            _move(_call("sendmsg", sock, flags), vectors, chunk_bytes, moved, patience.idle)
    return count_pages(runs) * PAGE_BYTES


def receive_pages(sock: socket.socket, memory: Buffer, runs: Runs) -> int:
    """Receive pages; see `xlkit.engine.transport.Transport.receive_pages`."""  # numpydoc ignore=PR01,RT01
    check_runs(runs, len(memory) // PAGE_BYTES)
    patience = Patience(sock)
    with _impatient(sock, socket.SO_RCVTIMEO):
        for vectors in _vectors(memory, runs, sys.maxsize):
            _move(_call("recvmsg", sock, 0), vectors, sys.maxsize, lambda _: patience.moved(), patience.idle)
    return count_pages(runs) * PAGE_BYTES


def works() -> bool:
    """Try a round trip of a few pages within this process.

    Returns
    -------
    bool
        Whether the pages arrived where they belong.
    """
    if sys.platform != "linux":
        return False
    left, right = socket.socketpair()
    runs = np.array([[0, 1], [2, 4]], np.int64)
    with left, right, mmap.mmap(-1, 4 * PAGE_BYTES) as memory:
        sent = bytearray(b"\1" * (4 * PAGE_BYTES))
        left.settimeout(1.0)
        right.settimeout(1.0)
        try:
            send_pages(left, sent, runs)
            receive_pages(right, memory, runs)
        except (AttributeError, EngineError):
            return False
        return memory[: 4 * PAGE_BYTES : PAGE_BYTES] == b"\1\0\1\1"


@contextlib.contextmanager
def _impatient(sock: socket.socket, option: int) -> Iterator[None]:
    """Let the kernel wait, which is quicker than to ask it when, but only a few milliseconds at a time."""
    timeout_s = sock.gettimeout()
    sock.settimeout(None)
    try:
        sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("@ll", 0, round(TICK_S * 1e6)))
        yield
    finally:
        # A socket that was closed meanwhile needs no patience any more; why it was closed matters more.
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("@ll", 0, 0))
            sock.settimeout(timeout_s)


def _vectors(memory: Buffer, runs: Runs, chunk_bytes: int) -> Iterator[Vectors]:
    """Yield (address, length) rows of at most `chunk_bytes` each, some thousands at a time to keep them small."""
    address = address_of(memory)
    for first in range(0, len(runs), _RUNS_AT_ONCE):
        vectors = runs[first : first + _RUNS_AT_ONCE] * PAGE_BYTES
        vectors[:, 1] -= vectors[:, 0]
        vectors[:, 0] += address
        yield _cut(vectors, chunk_bytes)


def _cut(vectors: Vectors, chunk_bytes: int) -> Vectors:
    parts = -(-vectors[:, 1] // chunk_bytes)
    if parts.max() == 1:
        return vectors
    row = np.repeat(np.arange(len(vectors)), parts)
    skipped = (np.arange(row.size) - np.repeat(np.cumsum(parts) - parts, parts)) * chunk_bytes
    cut = np.empty((row.size, 2), np.int64)
    cut[:, 0] = vectors[row, 0] + skipped
    cut[:, 1] = np.minimum(vectors[row, 1] - skipped, chunk_bytes)
    return cut


@functools.cache
def _function(name: str) -> Callable[[int, int, int], int]:
    function: Any = getattr(libc(), name)
    function.argtypes, function.restype = (ctypes.c_int, ctypes.c_void_p, ctypes.c_int), ctypes.c_ssize_t
    return cast("Callable[[int, int, int], int]", function)


def _call(name: str, sock: socket.socket, flags: int) -> Callable[[int, int], int]:
    function, header, fd = _function(name), _MessageHeader(), sock.fileno()
    where = ctypes.addressof(header)

    def call(vectors: int, n_vectors: int) -> int:
        header.vectors, header.n_vectors = vectors, n_vectors
        moved = function(fd, where, flags)
        if moved > 0:
            return moved
        error = last_error(name) if moved < 0 else None
        if error is None or error.errno not in _AGAIN:
            raise gone("Sending pages" if name == "sendmsg" else "Receiving pages", error)
        return 0

    return call


def _move(
    call: Callable[[int, int], int],
    vectors: Vectors,
    chunk_bytes: int,
    moved: Callable[[int], None],
    wait: Callable[[], None],
) -> None:
    ends, where = np.cumsum(vectors[:, 1]), vectors.ctypes.data
    done_bytes = first = 0
    while first < len(vectors):
        end = min(first + _MOST_VECTORS, len(vectors))
        if int(ends[end - 1]) - done_bytes > chunk_bytes:
            end = max(first + 1, int(ends.searchsorted(done_bytes + chunk_bytes, "right")))
        n_bytes = call(where + 16 * first, end - first)
        if n_bytes == 0:
            wait()
            continue
        done_bytes += n_bytes
        moved(n_bytes)
        if done_bytes == ends[end - 1]:
            first = end
            continue
        # The kernel stopped within a row: what is left of it is measured from its end.
        first = int(ends.searchsorted(done_bytes, "right"))
        left_bytes = int(ends[first]) - done_bytes
        vectors[first] += vectors[first, 1] - left_bytes, 0
        vectors[first, 1] = left_bytes
