"""Pages by numpy alone: gather into a buffer and send it; receive into a buffer and scatter it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from xlkit.engine.memory import Buffer, page_view
from xlkit.engine.pacing import TokenBucket
from xlkit.engine.runs import Pages, Runs, check_runs, count_pages, runs_to_pages
from xlkit.engine.transport.waiting import TICK_S, Patience, Poll, gone, stalled
from xlkit.units import PAGE_BYTES

_BLOCK_PAGES = 256


def send_pages(
    sock: socket.socket,
    memory: Buffer,
    runs: Runs,
    *,
    bucket: TokenBucket | None = None,
    interrupted: Poll | None = None,
) -> int:
    """Send pages; see `xlkit.engine.transport.Transport.send_pages`."""  # numpydoc ignore=PR01,RT01
    pages = page_view(memory)
    check_runs(runs, len(pages))
    patience = Patience(sock, interrupted)
    gathered = np.empty((_BLOCK_PAGES, PAGE_BYTES), np.uint8)
    with _impatient(sock):
        for block in _blocks(runs):
            np.take(pages, block, axis=0, out=gathered[: block.size], mode="clip")
            _send(sock, gathered[: block.size].data.cast("B"), bucket, patience)
    return count_pages(runs) * PAGE_BYTES


def receive_pages(sock: socket.socket, memory: Buffer, runs: Runs) -> int:
    """Receive pages; see `xlkit.engine.transport.Transport.receive_pages`."""  # numpydoc ignore=PR01,RT01
    pages = page_view(memory)
    check_runs(runs, len(pages))
    received = np.empty((_BLOCK_PAGES, PAGE_BYTES), np.uint8)
    for block in _blocks(runs):
        _receive(sock, received[: block.size].data.cast("B"))
        pages[block] = received[: block.size]
    return count_pages(runs) * PAGE_BYTES


def _blocks(runs: Runs) -> Iterator[Pages]:
    # Some runs at a time, so that the page numbers of a large set never stand in memory all at once.
    for few in np.split(runs, range(_BLOCK_PAGES, len(runs), _BLOCK_PAGES)):
        pages_a_run = few[:, 1] - few[:, 0]
        if pages_a_run.max(initial=0) <= _BLOCK_PAGES:
            pages = runs_to_pages(few)
            yield from (pages[first : first + _BLOCK_PAGES] for first in range(0, pages.size, _BLOCK_PAGES))
            continue
        for begin, end in few.tolist():
            yield from (np.arange(at, min(at + _BLOCK_PAGES, end)) for at in range(begin, end, _BLOCK_PAGES))


@contextmanager
def _impatient(sock: socket.socket) -> Iterator[None]:
    timeout_s = sock.gettimeout()
    sock.settimeout(TICK_S)
    try:
        yield
    finally:
        sock.settimeout(timeout_s)


def _send(sock: socket.socket, block: memoryview, bucket: TokenBucket | None, patience: Patience) -> None:
    chunk_bytes = len(block) if bucket is None else bucket.chunk_bytes
    while block:
        try:
            n_bytes = sock.send(block[:chunk_bytes])
        except TimeoutError:
            patience.idle()
            continue
        except OSError as error:
            raise gone("Sending pages", error) from error
        patience.moved()
        if bucket is not None:
            bucket.take(n_bytes)
        block = block[n_bytes:]


def _receive(sock: socket.socket, block: memoryview) -> None:
    while block:
        try:
            n_bytes = sock.recv_into(block)
        except TimeoutError as error:
            raise stalled(sock.gettimeout()) from error
        except OSError as error:
            raise gone("Receiving pages", error) from error
        if n_bytes == 0:
            raise gone("Receiving pages")
        block = block[n_bytes:]
