"""The sender's end of a migration: passes out, acks in, then the order to go."""

import socket
from dataclasses import replace
from typing import Any

from xlkit.engine import hello, transport, wire
from xlkit.engine.memory import Buffer
from xlkit.engine.outcome import Destination
from xlkit.engine.pacing import TokenBucket
from xlkit.engine.runs import Runs, count_pages
from xlkit.engine.transport import Interrupted, Poll
from xlkit.engine.wire import Header, Kind
from xlkit.units import PAGE_BYTES

_PREPARE_TIMEOUT_S = 120.0
_START_TIMEOUT_S = 10.0
# A large buffer would let a pass end long before its bytes left at the set bandwidth.
_PACED_BUFFER_BYTES = 1 << 18
_HANDFUL_BYTES = 64 * PAGE_BYTES


class Sender:
    """Connect to a receiver, prove the token, and have it make ready for a guest.

    Parameters
    ----------
    destination : Destination
        Where the guest goes.
    memory : mmap.mmap, bytearray or memoryview
        The guest's memory at the source.
    transport_name : str
        Form of the transport.
    bandwidth_bytes_s : float, optional
        Bandwidth to emulate [B/s]; no limit when not given.

    Raises
    ------
    Refused
        If the receiver does not want the guest.
    EngineError
        If nobody answers, or no receiver of this version.
    """

    def __init__(
        self, destination: Destination, memory: Buffer, transport_name: str, bandwidth_bytes_s: float | None = None
    ) -> None:
        self._memory = memory
        self._transport = transport.form(transport_name)
        self._bucket = None if bandwidth_bytes_s is None else TokenBucket(bandwidth_bytes_s)
        self._sock = destination.connect()
        try:
            self.congestion_control = transport.tune(self._sock)
            wire.keep_alive(self._sock)
            if self._bucket is not None:
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _PACED_BUFFER_BYTES)
            self._sock.settimeout(_PREPARE_TIMEOUT_S)
            ready = hello.ask(self._sock, destination.token, self._request(destination))
        except BaseException:
            self.close()
            raise
        self._sock.settimeout(wire.STALL_TIMEOUT_S)
        self.same_machine = ready["machine"] == hello.machine()
        self.destination = replace(destination, twin_pid=int(ready["pid"]) if self.same_machine else None)

    def send_pass(self, iteration: int, runs: Runs, *, final: bool, interrupted: Poll | None = None) -> int:
        """Send a pass and wait until it is delivered.

        Parameters
        ----------
        iteration : int
            Number of the pass.
        runs : numpy.ndarray
            Which pages, shape (n, 2).
        final : bool
            Whether the guest is paused and this is all that was missing.
        interrupted : callable, optional
            Asked every few milliseconds whether to give up.

        Returns
        -------
        int
            Bytes that went out, header included [byte].

        Raises
        ------
        Interrupted
            If `interrupted` said so; the connection is of no more use.
        EngineError
            If the receiver is gone.
        """
        if self._bucket is not None:
            self._bucket.restart()
        header = Header(Kind.FINAL if final else Kind.PASS, iteration, len(runs), count_pages(runs))
        head = wire.pack_header(header, runs)
        if self._is_handful(header.n_pages):
            n_bytes = self._send_handful(head, runs, interrupted)
        else:
            wire.send_all(self._sock, head)
            self._take(len(head))
            n_bytes = len(head) + self._transport.send_pages(
                self._sock, self._memory, runs, bucket=self._bucket, interrupted=interrupted
            )
        wire.receive_ack(self._sock, header.kind)
        return n_bytes

    def ask_digest(self) -> None:
        """Let the receiver begin to digest the memory that it holds, before its guest runs."""
        wire.send_header(self._sock, Header(Kind.DIGEST))

    def ask_verification(self) -> None:
        """Let the receiver pause its guest and digest its memory."""
        wire.send_header(self._sock, Header(Kind.VERIFY))

    def digest(self) -> tuple[str, int]:
        """Wait for the digest that was asked for.

        Returns
        -------
        tuple of str and int
            The digest, and how many steps the guest had taken.

        Raises
        ------
        EngineError
            If the receiver is gone.
        """
        self._sock.settimeout(_PREPARE_TIMEOUT_S)
        facts: dict[str, Any] = wire.receive_message(self._sock)
        self._sock.settimeout(wire.STALL_TIMEOUT_S)
        return str(facts["digest"]), int(facts["steps"])

    def order_start(self) -> None:
        """Order the receiver to start the guest; from now on nobody but the receiver knows whether it runs."""
        wire.send_header(self._sock, Header(Kind.GO))

    def started(self) -> float:
        """Wait until the guest runs at the destination.

        Returns
        -------
        float
            Its first write by the clock of the destination [s].

        Raises
        ------
        EngineError
            If the receiver is gone.
        """
        self._sock.settimeout(_START_TIMEOUT_S)
        first_write_s = wire.receive_ack(self._sock, Kind.GO)
        self._sock.settimeout(wire.STALL_TIMEOUT_S)
        return first_write_s

    def close(self) -> None:
        """Close the connection; a receiver that was not ordered to start its guest discards it."""
        self._sock.close()

    def _is_handful(self, n_pages: int) -> bool:
        limit_bytes = _HANDFUL_BYTES if self._bucket is None else min(_HANDFUL_BYTES, self._bucket.chunk_bytes)
        return n_pages * PAGE_BYTES <= limit_bytes

    def _send_handful(self, head: bytes, runs: Runs, interrupted: Poll | None) -> int:
        """Send a few pages in one go; to set up more than that costs longer than to send them."""
        if interrupted is not None and interrupted():
            raise Interrupted("The pass was given up before it began; the guest runs on at the source.")
        with memoryview(self._memory) as memory:
            parts = [memory[first * PAGE_BYTES : end * PAGE_BYTES] for first, end in runs.tolist()]
            sent = b"".join((head, *parts))
            del parts
        wire.send_all(self._sock, sent)
        self._take(len(sent))
        return len(sent)

    def _take(self, n_bytes: int) -> None:
        if self._bucket is not None:
            self._bucket.take(n_bytes)

    def _request(self, destination: Destination) -> dict[str, Any]:
        return {"want": "migrate", "migration": destination.migration, "memory_pages": len(self._memory) // PAGE_BYTES}
