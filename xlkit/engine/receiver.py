"""The destination: listens, takes guests in from whoever knows the token, and runs them."""

import contextlib
import select
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any

from xlkit.engine import hello, transport, wire
from xlkit.engine.channel import Channel
from xlkit.engine.child import Child, obey_parent_only
from xlkit.engine.domain import spare
from xlkit.engine.memory import free_bytes
from xlkit.engine.outcome import Outcome
from xlkit.engine.reception import Reception
from xlkit.errors import EngineError, InvalidValueError
from xlkit.units import PAGE_BYTES, format_bytes

Announce = Callable[[str, int], None]
_LOOPBACK = "127.0.0.1"


class Receiver:
    """Listen for guests.

    Parameters
    ----------
    host : str
        Address to listen on.
    port : int
        Port; 0 takes a free one.
    token : str
        What a sender has to know.
    max_memory_bytes : int, optional
        The most that all guests together may take [byte]; what the machine has free when not given.

    Raises
    ------
    EngineError
        If the address cannot be listened on.
    """

    def __init__(self, host: str, port: int, *, token: str, max_memory_bytes: int | None = None) -> None:
        if not token:
            raise InvalidValueError("A receiver needs a token; an empty one would let everybody in.")
        self._token, self._max_memory_bytes = token, max_memory_bytes
        self._lock = threading.Lock()
        self._receptions: dict[str, Reception] = {}
        self._ended = threading.Event()
        self._transport = transport.choose()
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._listener = socket.create_server((host, port), family=family)
        except OSError as error:
            raise EngineError(f"Listening on {host}:{port} failed: {error}. Choose another address.") from error
        transport.tune(self._listener)
        self._spare: Child | None = spare()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens: host and port."""
        host, port = self._listener.getsockname()[:2]
        return str(host), int(port)

    def fileno(self) -> int:
        """Give the descriptor that is readable when somebody wants to connect.

        Returns
        -------
        int
            For `select`.
        """
        return self._listener.fileno()

    def accept(self) -> None:
        """Serve whoever connects next, in a thread of its own."""
        try:
            sock, _ = self._listener.accept()
        except OSError:
            # Whoever it was has gone again.
            return
        threading.Thread(target=self._serve, args=(sock,), name="xlkit-receiver", daemon=True).start()

    @property
    def served(self) -> bool:
        """Whether a guest was taken over and has ended."""
        return self._ended.is_set()

    def close(self) -> None:
        """Stop listening and end every guest."""
        self._listener.close()
        with self._lock:
            receptions = list(self._receptions.values())
        unused = self._take_spare()
        if unused is not None:
            unused.end()
        for reception in receptions:
            reception.end()

    def _serve(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(EngineError, OSError, KeyError, TypeError, ValueError):
            sock.settimeout(hello.TIMEOUT_S)
            request = hello.hear(sock, self._token)
            want, name = request["want"], str(request["migration"])
            if want == "migrate":
                self._receive(sock, name, int(request["memory_pages"]))
            elif want == "status":
                wire.send_message(sock, self._status(name))
            elif want == "outcome":
                wire.send_message(sock, {"outcome": self._settle(name)})
            elif want == "end":
                self._end(name)
                wire.send_message(sock, {"outcome": "ended"})

    def _receive(self, sock: socket.socket, name: str, memory_pages: int) -> None:
        reception = self._admit(sock, name, memory_pages)
        try:
            try:
                reception.prepare(self._take_spare())
            except EngineError as error:
                raise hello.refuse(sock, str(error)) from error
            # A sender may take its time between two passes; the system finds out when its machine is gone.
            sock.settimeout(None)
            wire.keep_alive(sock)
            transport.tune(sock)
            wire.send_message(sock, {"machine": hello.machine(), "pid": reception.pid})
            reception.receive(sock, transport.form(self._transport))
        finally:
            reception.leave()

    def _admit(self, sock: socket.socket, name: str, memory_pages: int) -> Reception:
        memory_bytes = memory_pages * PAGE_BYTES
        with self._lock:
            if name in self._receptions:
                raise hello.refuse(sock, f"migration {name} was here before.")
            left_bytes = self._left_bytes()
            if left_bytes is not None and memory_bytes > left_bytes:
                left = format_bytes(left_bytes)
                raise hello.refuse(sock, f"a guest of {format_bytes(memory_bytes)} is too large; {left} are left here.")
            reception = self._receptions[name] = Reception(memory_bytes)
        return reception

    def _take_spare(self) -> Child | None:
        with self._lock:
            taken, self._spare = self._spare, None
            return taken

    def _left_bytes(self) -> int | None:
        taken_bytes = sum(one.memory_bytes for one in self._receptions.values() if one.holds_memory)
        return free_bytes() if self._max_memory_bytes is None else self._max_memory_bytes - taken_bytes

    def _settle(self, name: str) -> Outcome:
        with self._lock:
            # A migration that was never heard of is noted as discarded, should it still be on its way.
            reception = self._receptions.setdefault(name, Reception(0))
        return reception.settle()

    def _status(self, name: str) -> dict[str, Any]:
        with self._lock:
            reception = self._receptions.get(name)
            facts = {"machine": hello.machine(), "left_bytes": self._left_bytes()}
        return facts | ({} if reception is None else reception.status())

    def _end(self, name: str) -> None:
        with self._lock:
            reception = self._receptions.get(name)
        if reception is not None:
            reception.end()
            self._ended.set()


def serve(
    host: str = _LOOPBACK,
    port: int = 0,
    *,
    token: str,
    max_memory_bytes: int | None = None,
    once: bool = False,
    announce: Announce,
    lifeline: Channel | None = None,
) -> None:
    """Receive guests until interrupted.

    Parameters
    ----------
    host : str, default "127.0.0.1"
        Address to listen on; the default is reached from this machine only.
    port : int, default 0
        Port; 0 takes a free one.
    token : str
        What a sender has to know. It never crosses the wire, the pages do so in the clear.
    max_memory_bytes : int, optional
        The most that all guests together may take [byte]; what the machine has free when not given.
    once : bool, default False
        Return when the first guest that was taken over has been ended by its sender.
    announce : callable
        Told host and port once it listens.
    lifeline : Channel, optional
        Return when the other end closes.

    Raises
    ------
    EngineError
        If the address cannot be listened on.
    """
    receiver = Receiver(host, port, token=token, max_memory_bytes=max_memory_bytes)
    try:
        announce(*receiver.address)
        waiting: list[Receiver | Channel] = [receiver] if lifeline is None else [receiver, lifeline]
        while not (once and receiver.served):
            ready = select.select(waiting, (), (), 0.2 if once else None)[0]
            if lifeline in ready:
                return
            if receiver in ready:
                receiver.accept()
    finally:
        receiver.close()


def main() -> None:
    """Run as the receiver of the process that started this one."""
    obey_parent_only()
    lifeline = Channel.inherited()
    begin = lifeline.receive()
    if begin is None or begin.word != "begin":
        return
    guests = lifeline.take_fds()

    def announce(host: str, port: int) -> None:
        lifeline.send("listening", host=host, port=port)

    serve(token=begin.facts["token"], announce=announce, lifeline=lifeline)
    if lifeline.receive() is not None:
        return
    for guest in guests:
        # The owner is gone, and a guest that was stopped by signal cannot see that.
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(guest, signal.SIGKILL)


if __name__ == "__main__":
    main()
