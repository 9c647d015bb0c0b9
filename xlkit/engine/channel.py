"""Messages between the engine's own processes: a line of JSON over a socket pair, perhaps with file descriptors."""

import json
import os
import select
import socket
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from xlkit.errors import EngineError

_MOST_FDS = 4
_CHUNK_BYTES = 1 << 16


class Message(NamedTuple):
    """What one process tells another."""

    word: str
    facts: dict[str, Any]


class Channel:
    """One end of a socket pair; its other end closes when the process that holds it ends, however it ends.

    Parameters
    ----------
    sock : socket.socket
        Connected Unix stream, taken over.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._received = b""
        self._fds: list[int] = []

    @classmethod
    def inherited(cls) -> Self:
        """Take up the end that the parent process passed as the first argument.

        Returns
        -------
        Channel
            To the parent.
        """
        return cls.of(int(sys.argv[1]))

    @classmethod
    def of(cls, fd: int) -> Self:
        """Take up the end of a descriptor.

        Parameters
        ----------
        fd : int
            Descriptor, taken over; programs that this process starts do not get it.

        Returns
        -------
        Channel
            To whoever holds the other end.
        """
        sock = socket.socket(fileno=fd)
        sock.set_inheritable(False)
        return cls(sock)

    def fileno(self) -> int:
        """Give the descriptor, for `select`.

        Returns
        -------
        int
            The descriptor, -1 once closed.
        """
        return self._sock.fileno()

    def send(self, word: str, /, *, fds: Sequence[int] = (), **facts: Any) -> None:
        """Say something.

        Parameters
        ----------
        word : str
            What it is about.
        fds : sequence of int
            Descriptors that go along.
        **facts : object
            What JSON can hold.

        Raises
        ------
        EngineError
            If the other process is gone.
        """
        line = json.dumps([word, facts]).encode() + b"\n"
        try:
            if fds:
                sent = socket.send_fds(self._sock, [line], fds)
                line = line[sent:]
            self._sock.sendall(line)
        except OSError as error:
            raise EngineError(f"The other process is gone: {word!r} could not be told ({error}).") from error

    def receive(self, timeout_s: float | None = None) -> Message | None:
        """Hear what is said next.

        Parameters
        ----------
        timeout_s : float, optional
            How long to wait [s]; for ever when not given.

        Returns
        -------
        Message or None
            None when the other process closed its end or ended.

        Raises
        ------
        TimeoutError
            If nothing was said in time.
        """
        while not self.pending:
            try:
                if not select.select((self._sock,), (), (), timeout_s)[0]:
                    raise TimeoutError(f"Nothing was said for {timeout_s} s.")
            except ValueError:
                # Closed by another thread of this process.
                return None
            if not self._read():
                return None
        line, _, self._received = self._received.partition(b"\n")
        word, facts = json.loads(line)
        return Message(word, facts)

    @property
    def pending(self) -> bool:
        """Whether a message is here already."""
        return b"\n" in self._received

    def take_fds(self) -> list[int]:
        """Take over the descriptors that came along so far.

        Returns
        -------
        list of int
            In the order in which they were sent.
        """
        fds, self._fds = self._fds, []
        return fds

    def close(self) -> None:
        """Close this end; the other process sees that."""
        for fd in self.take_fds():
            os.close(fd)
        self._sock.close()

    def _read(self) -> bool:
        try:
            read, fds, _, _ = socket.recv_fds(self._sock, _CHUNK_BYTES, _MOST_FDS)
        except OSError:
            # A peer that was killed with words unread resets the connection: as gone as one that closed it.
            return False
        for fd in fds:
            # Unlike every other way to get one, this one leaves it open in programs that are started later.
            os.set_inheritable(fd, False)  # noqa: FBT003 - the only way to call it
        self._fds += fds
        self._received += read
        return bool(read)


def pair() -> tuple[Channel, socket.socket]:
    """Make a channel.

    Returns
    -------
    tuple of Channel and socket.socket
        This process's end, and the one to be passed on and then closed here.
    """
    ours, theirs = socket.socketpair()
    return Channel(ours), theirs
