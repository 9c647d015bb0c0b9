"""What both forms of the transport share: how long to wait for a peer, and when to give up."""

import socket
import time
from collections.abc import Callable

from xlkit.errors import EngineError
from xlkit.units import format_s

Poll = Callable[[], bool]
TICK_S = 0.005
CHUNK_BYTES = 4 << 20


class Interrupted(EngineError):  # noqa: N818  (an answer to a question that was asked, not a fault)
    """A pass was given up in the middle because somebody asked for it."""


class Patience:
    """Wait for a peer, but not for ever, and not when the pass is to be given up.

    Parameters
    ----------
    sock : socket.socket
        Its timeout is how long nothing at all may move.
    interrupted : callable, optional
        Asked whether to give up.
    """

    def __init__(self, sock: socket.socket, interrupted: Poll | None = None) -> None:
        self._timeout_s = sock.gettimeout()
        self._interrupted = interrupted
        self._since_s: float | None = None

    def moved(self) -> None:
        """Note that bytes moved, and ask whether to give up.

        Raises
        ------
        Interrupted
            If so.
        """
        self._since_s = None
        self._ask()

    def idle(self) -> None:
        """Note that nothing moved for a tick, and ask whether to give up.

        Raises
        ------
        Interrupted
            If so.
        EngineError
            If nothing moved for the socket's timeout.
        """
        self._ask()
        now_s = time.monotonic()
        self._since_s = now_s if self._since_s is None else self._since_s
        if self._timeout_s is not None and now_s - self._since_s >= self._timeout_s:
            raise stalled(self._timeout_s)

    def _ask(self) -> None:
        if self._interrupted is not None and self._interrupted():
            raise Interrupted("The pass was given up in the middle; the guest runs on at the source.")


def gone(what: str, error: OSError | None = None) -> EngineError:
    """Say that the peer is not there any more.

    Parameters
    ----------
    what : str
        What was under way.
    error : OSError, optional
        What the system said; without it the peer closed its end.

    Returns
    -------
    EngineError
        To be raised.
    """
    reason = "the peer closed the connection" if error is None else str(error)
    return EngineError(f"{what} failed: {reason}. Look at the log of the other side.")


def stalled(timeout_s: float | None) -> EngineError:
    """Say that the peer is there but does nothing.

    Parameters
    ----------
    timeout_s : float or None
        How long nothing moved [s].

    Returns
    -------
    EngineError
        To be raised.
    """
    return EngineError(f"The peer moved nothing for {format_s(timeout_s)}; the connection is given up.")
