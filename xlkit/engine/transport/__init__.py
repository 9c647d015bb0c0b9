"""Guest pages over a stream socket, straight out of the guest's memory and straight into it, in two forms.

``vectored`` hands the kernel lists of addresses that numpy built; it needs Linux. ``portable`` gathers pages into a
buffer and scatters them again with numpy alone. What crosses the wire is the same, so the two ends may differ.
"""

import contextlib
import socket
from types import ModuleType
from typing import Protocol, cast

from xlkit.engine.memory import Buffer
from xlkit.engine.pacing import TokenBucket
from xlkit.engine.runs import Runs
from xlkit.engine.transport import portable, vectored
from xlkit.engine.transport.waiting import Interrupted, Poll
from xlkit.errors import InvalidValueError

__all__ = ["NAMES", "Interrupted", "Poll", "Transport", "choose", "form", "tune"]

_FORMS: dict[str, ModuleType] = {"vectored": vectored, "portable": portable}
NAMES = tuple(_FORMS)


class Transport(Protocol):
    """Moves the pages of a pass; both ends know the runs beforehand."""

    @staticmethod
    def send_pages(
        sock: socket.socket,
        memory: Buffer,
        runs: Runs,
        *,
        bucket: TokenBucket | None = None,
        interrupted: Poll | None = None,
    ) -> int:
        """Send pages while the guest may go on writing them.

        Parameters
        ----------
        sock : socket.socket
            Connected stream.
        memory : mmap.mmap, bytearray or memoryview
            The guest's memory.
        runs : numpy.ndarray
            Which pages, shape (n, 2).
        bucket : TokenBucket, optional
            Bandwidth to keep to; none is no limit.
        interrupted : callable, optional
            Asked at least every 5 ms or after every chunk whether to give up.

        Returns
        -------
        int
            Bytes sent [byte].

        Raises
        ------
        Interrupted
            If `interrupted` said so; the stream then stops in the middle of a page and is of no more use.
        EngineError
            If the runs lie outside the memory, or the peer is gone, or takes nothing for the socket's timeout.
        """

    @staticmethod
    def receive_pages(sock: socket.socket, memory: Buffer, runs: Runs) -> int:
        """Receive pages into their places.

        Parameters
        ----------
        sock : socket.socket
            Connected stream.
        memory : mmap.mmap, bytearray or memoryview
            The guest's memory at the destination.
        runs : numpy.ndarray
            Which pages, shape (n, 2), in the order in which they were sent.

        Returns
        -------
        int
            Bytes received [byte].

        Raises
        ------
        EngineError
            If the runs lie outside the memory, or the peer is gone, or sends nothing for the socket's timeout.
        """


def choose(*, force: str | None = None) -> str:
    """Name the faster form that works here.

    Parameters
    ----------
    force : str, optional
        Take this one: ``vectored`` or ``portable``.

    Returns
    -------
    str
        ``vectored`` or ``portable``.

    Raises
    ------
    InvalidValueError
        If `force` names no form.
    """
    if force is None:
        return "vectored" if vectored.works() else "portable"
    if force not in _FORMS:
        raise InvalidValueError(f"Unknown transport {force!r}; there are {', '.join(_FORMS)}.")
    return force


def form(name: str) -> Transport:
    """Give the form of a name.

    Parameters
    ----------
    name : str
        ``vectored`` or ``portable``.

    Returns
    -------
    Transport
        With `send_pages` and `receive_pages`.

    Raises
    ------
    InvalidValueError
        If there is none of that name.
    """
    return cast("Transport", _FORMS[choose(force=name)])


def tune(sock: socket.socket) -> str:
    """Prepare a socket for pages: no delay, and a congestion control that does not pace a loopback.

    Parameters
    ----------
    sock : socket.socket
        Best before it connects or listens.

    Returns
    -------
    str
        The congestion control that holds, to be recorded with a run; ``unknown`` where the system does not tell.
    """
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    option = getattr(socket, "TCP_CONGESTION", None)
    if option is None:
        return "unknown"
    with contextlib.suppress(OSError):
        # Always allowed; bbr, the default of some systems, halves the throughput of a loopback.
        sock.setsockopt(socket.IPPROTO_TCP, option, b"reno")
    try:
        return sock.getsockopt(socket.IPPROTO_TCP, option, 16).split(b"\0")[0].decode("ascii")
    except OSError:
        return "unknown"
