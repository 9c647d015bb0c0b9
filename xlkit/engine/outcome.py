"""Who runs the guest? Asked of the destination when a hand-over was cut off; the question itself settles it."""

import contextlib
import os
import select
import socket
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from xlkit.engine import hello
from xlkit.errors import EngineError

_CONNECT_TIMEOUT_S = 2.0
_TWIN_TIMEOUT_S = 5.0


class Outcome(StrEnum):
    """What became of a migration at its destination."""

    RUNNING = "running"
    DISCARDED = "discarded"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a migration goes, and what it takes to ask about it.

    Parameters
    ----------
    host : str
        Address of the receiver.
    port : int
        Its port.
    token : str
        Its token.
    migration : str
        Name of the migration there.
    twin_pid : int, optional
        Process of the guest there, where it is on this machine.
    """

    host: str
    port: int
    token: str
    migration: str
    twin_pid: int | None = None

    def connect(self) -> socket.socket:
        """Connect to the receiver.

        Returns
        -------
        socket.socket
            On which nothing was said yet.

        Raises
        ------
        EngineError
            If nobody listens there.
        """
        try:
            sock = socket.create_connection((self.host, self.port), _CONNECT_TIMEOUT_S)
        except OSError as error:
            raise EngineError(
                f"Nobody answers at {self.host}:{self.port} ({error}). Is `xlkit receive` running there?"
            ) from error
        sock.settimeout(hello.TIMEOUT_S)
        return sock

    def ask(self, want: str) -> dict[str, Any]:
        """Ask the receiver for something about this migration.

        Parameters
        ----------
        want : str
            ``outcome``, ``status`` or ``end``.

        Returns
        -------
        dict
            Its answer.

        Raises
        ------
        EngineError
            If nobody answers, or the token is refused.
        """
        with self.connect() as sock:
            return hello.ask(sock, self.token, {"want": want, "migration": self.migration})


def ask_outcome(destination: Destination) -> Outcome:
    """Find out whether the destination runs the guest, and see to it that it never will if it does not yet.

    Parameters
    ----------
    destination : Destination
        Whom to ask.

    Returns
    -------
    Outcome
        ``unknown`` when nobody answers and nobody can tell why. On this machine a receiver that is not there any more
        cannot have a guest once the guest's process is gone.
    """
    try:
        return Outcome(destination.ask("outcome")["outcome"])
    except (EngineError, KeyError, ValueError):
        if destination.twin_pid is not None and _refused(destination) and _ended(destination.twin_pid):
            return Outcome.DISCARDED
        return Outcome.UNKNOWN


def _refused(destination: Destination) -> bool:
    with socket.socket() as sock:
        sock.settimeout(_CONNECT_TIMEOUT_S)
        try:
            sock.connect((destination.host, destination.port))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def _ended(pid: int) -> bool:
    try:
        fd = os.pidfd_open(pid)
    except (AttributeError, OSError):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 0)
            return False
        return True
    try:
        return bool(select.select((fd,), (), (), _TWIN_TIMEOUT_S)[0])
    finally:
        os.close(fd)
