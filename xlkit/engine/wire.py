"""What sender and receiver exchange once they are connected: small messages, the header of a pass, and its ack."""

import json
import socket
import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, Final, NamedTuple

import numpy as np

from xlkit.engine.runs import Runs, check_runs, count_pages, no_runs
from xlkit.engine.transport.waiting import gone, stalled
from xlkit.errors import EngineError

PROTOCOL: Final = "xlkit-live/1"
STALL_TIMEOUT_S: Final = 30.0
_HEADER: Final = struct.Struct("!4I")
_ACK: Final = struct.Struct("!Id")
_LENGTH: Final = struct.Struct("!I")
_LONGEST_MESSAGE_BYTES: Final = 1 << 16


class Kind(IntEnum):
    """What a sender asks for once the hello is done."""

    PASS = 1
    FINAL = 2
    DIGEST = 3
    GO = 4
    VERIFY = 5


class Header(NamedTuple):
    """What comes before the pages of a pass, or instead of them."""

    kind: Kind
    iteration: int = 0
    n_runs: int = 0
    n_pages: int = 0


def send_message(sock: socket.socket, facts: Mapping[str, Any]) -> None:
    """Send a small message.

    Parameters
    ----------
    sock : socket.socket
        Connected stream.
    facts : mapping
        What JSON can hold.

    Raises
    ------
    EngineError
        If the peer is gone.
    """
    body = json.dumps(facts).encode()
    send_all(sock, _LENGTH.pack(len(body)) + body)


def receive_message(sock: socket.socket) -> dict[str, Any]:
    """Receive a small message.

    Parameters
    ----------
    sock : socket.socket
        Connected stream.

    Returns
    -------
    dict
        What was sent.

    Raises
    ------
    EngineError
        If the peer is gone, or what it sends is no message.
    """
    (n_bytes,) = _LENGTH.unpack(receive_exactly(sock, _LENGTH.size))
    if n_bytes > _LONGEST_MESSAGE_BYTES:
        raise EngineError(f"The peer announces a message of {n_bytes} B: it does not speak {PROTOCOL}.")
    try:
        facts = json.loads(receive_exactly(sock, n_bytes))
    except (ValueError, RecursionError) as error:
        raise EngineError(f"The peer sent no message: it does not speak {PROTOCOL} ({error}).") from error
    if not isinstance(facts, dict):
        raise EngineError(f"The peer sent no message: it does not speak {PROTOCOL}.")
    return facts


def pack_header(header: Header, runs: Runs | None = None) -> bytes:
    """Write a header as it crosses the wire.

    Parameters
    ----------
    header : Header
        The header.
    runs : numpy.ndarray, optional
        The runs of the pass, shape (n, 2).

    Returns
    -------
    bytes
        Header and table of runs.
    """
    return _HEADER.pack(*header) + (b"" if runs is None else runs.astype("<u4").tobytes())


def send_header(sock: socket.socket, header: Header, runs: Runs | None = None) -> int:
    """Send what comes before the pages of a pass, or a bare order.

    Parameters
    ----------
    sock : socket.socket
        Connected stream.
    header : Header
        The header.
    runs : numpy.ndarray, optional
        The runs of the pass, shape (n, 2).

    Returns
    -------
    int
        Bytes sent [byte].
    """
    head = pack_header(header, runs)
    send_all(sock, head)
    return len(head)


def receive_header(sock: socket.socket, memory_pages: int) -> tuple[Header, Runs] | None:
    """Receive what `send_header` sent.

    Parameters
    ----------
    sock : socket.socket
        Connected stream.
    memory_pages : int
        Size of the guest [page of 4096 B]; nothing that points outside is taken.

    Returns
    -------
    tuple of Header and numpy.ndarray, or None
        None when the peer closed the connection.

    Raises
    ------
    EngineError
        If the header is of no known kind or does not fit the guest.
    """
    head = sock.recv(_HEADER.size)
    if not head:
        return None
    if len(head) < _HEADER.size:
        head += receive_exactly(sock, _HEADER.size - len(head))
    kind, *numbers = _HEADER.unpack(head)
    if kind not in Kind.__members__.values():
        raise EngineError(f"The sender wants something of kind {kind}, which {PROTOCOL} does not know.")
    header = Header(Kind(kind), *numbers)
    if max(header.n_runs, header.n_pages) > memory_pages:
        raise EngineError(f"A pass of {header.n_pages} pages does not fit a guest of {memory_pages}.")
    if not header.n_runs and not header.n_pages:
        return header, no_runs()
    table = np.frombuffer(receive_exactly(sock, 8 * header.n_runs), "<u4").reshape(-1, 2)
    runs = table.astype(np.int64)
    check_runs(runs, memory_pages)
    if count_pages(runs) != header.n_pages:
        raise EngineError(f"A pass says {header.n_pages} pages and lists {count_pages(runs)}.")
    return header, runs


def send_ack(sock: socket.socket, kind: Kind, value_s: float = 0.0) -> None:
    """Answer an order.

    Parameters
    ----------
    sock : socket.socket
        Connected stream.
    kind : Kind
        The order that is done.
    value_s : float, default 0.0
        A time that goes with it [s].
    """
    send_all(sock, _ACK.pack(kind, value_s))


def receive_ack(sock: socket.socket, kind: Kind) -> float:
    """Wait for the answer to an order.

    Parameters
    ----------
    sock : socket.socket
        Connected stream.
    kind : Kind
        The order.

    Returns
    -------
    float
        The time that goes with it [s].

    Raises
    ------
    EngineError
        If the peer is gone or answers something else.
    """
    answered, value_s = _ACK.unpack(receive_exactly(sock, _ACK.size))
    if answered != kind:
        raise EngineError(f"The receiver answered {answered} to an order of kind {int(kind)}.")
    return float(value_s)


def send_all(sock: socket.socket, data: bytes) -> None:
    """Send all of some bytes.

    Parameters
    ----------
    sock : socket.socket
        Connected stream.
    data : bytes
        The bytes.

    Raises
    ------
    EngineError
        If the peer is gone or takes nothing for the socket's timeout.
    """
    try:
        sock.sendall(data)
    except TimeoutError as error:
        raise stalled(sock.gettimeout()) from error
    except OSError as error:
        raise gone("Sending", error) from error


def receive_exactly(sock: socket.socket, n_bytes: int) -> bytearray:
    """Receive a known number of bytes.

    Parameters
    ----------
    sock : socket.socket
        Connected stream.
    n_bytes : int
        How many [byte].

    Returns
    -------
    bytearray
        The bytes.

    Raises
    ------
    EngineError
        If the peer is gone or sends nothing for the socket's timeout.
    """
    received = bytearray(n_bytes)
    rest = memoryview(received)
    while rest:
        try:
            n_read = sock.recv_into(rest)
        except TimeoutError as error:
            raise stalled(sock.gettimeout()) from error
        except OSError as error:
            raise gone("Receiving", error) from error
        if not n_read:
            raise gone("Receiving")
        rest = rest[n_read:]
    return received


def keep_alive(sock: socket.socket) -> None:
    """Let the system find out within some seconds that a peer's machine is gone.

    Parameters
    ----------
    sock : socket.socket
        Connected stream.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 2), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 15_000)):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
