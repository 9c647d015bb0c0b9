"""Messages between the engine's own processes: a word or a line of JSON, perhaps with file descriptors.

What is said in the blackout are bare words: they cost a tenth of JSON, and all of it is downtime.
"""

import contextlib
import json
import os
import select
import socket
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from xlkit.errors import EngineError

_ANCILLARY_BYTES = socket.CMSG_SPACE(4 * 4)
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
        line = (json.dumps([word, facts]) if facts else word).encode() + b"\n"
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
            # Mostly it is here already.
            read = self._read()
            if read is None:
                self._wait(timeout_s)
            elif not read:
                return None
        line, _, self._received = self._received.partition(b"\n")
        if not line.startswith(b"["):
            return Message(line.decode(), {})
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

    def _wait(self, timeout_s: float | None) -> None:
        # Closed by another thread of this process: the next attempt to read tells.
        with contextlib.suppress(ValueError):
            if not select.select((self._sock,), (), (), timeout_s)[0]:
                raise TimeoutError(f"Nothing was said for {timeout_s} s.")

    def _read(self) -> bool | None:
        """Take in what is there: None if there is nothing, False if the other process is gone."""
        try:
            read, ancillary, _, _ = self._sock.recvmsg(_CHUNK_BYTES, _ANCILLARY_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        except OSError:
            # A peer that was killed with words unread resets the connection: as gone as one that closed it.
            return False
        fds = [fd for _, _, data in ancillary for fd in memoryview(data).cast("i")]
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
