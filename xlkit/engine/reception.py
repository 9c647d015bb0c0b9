"""One guest at its destination, from the first page to its end."""

import contextlib
import mmap
import signal
import socket
import threading
from typing import Any

from xlkit.engine import wire
from xlkit.engine.child import Child
from xlkit.engine.control import State
from xlkit.engine.digest import memory_digest
from xlkit.engine.domain import Domain
from xlkit.engine.outcome import Outcome
from xlkit.engine.program import Program
from xlkit.engine.transport import Transport
from xlkit.engine.wire import Kind
from xlkit.errors import EngineError
from xlkit.units import PAGE_BYTES

_HANDFUL_PAGES = 64


class Reception:
    """Hold a guest that is on its way here.

    It is in one of three states: receiving, started, discarded. Both ways out of the first are taken under one lock, so
    that an order to start and a question for the outcome cannot both win.

    Parameters
    ----------
    memory_bytes : int
        Size of the guest [byte].
    """

    def __init__(self, memory_bytes: int) -> None:
        self.memory_bytes = memory_bytes
        self._lock = threading.RLock()
        self._domain: Domain | None = None
        self.started = False
        self._discarded = False
        self._served = False

    @property
    def holds_memory(self) -> bool:
        """Whether it has or will have memory."""
        return not self._discarded

    @property
    def pid(self) -> int:
        """Process of the guest here."""
        return self._twin().pid

    def prepare(self, child: Child | None) -> None:
        """Take the memory and start the guest's process; it waits for its memory.

        Parameters
        ----------
        child : Child or None
            A spare process for the guest.

        Raises
        ------
        EngineError
            If the memory is not there.
        """
        with self._lock:
            if not self._discarded:
                self._domain, self._served = Domain(self.memory_bytes, child=child), True
        twin = self._twin()
        twin.memory.populate()
        twin.ready()

    def leave(self) -> None:
        """Note that the connection is closed: a guest that was not started by then never will be."""
        with self._lock:
            self._served = False
            self._discarded |= not self.started
            self._release()

    def receive(self, sock: socket.socket, form: Transport) -> None:
        """Do what the sender orders until the connection closes.

        Parameters
        ----------
        sock : socket.socket
            The connection, its hello done.
        form : Transport
            Takes the pages in.

        Raises
        ------
        EngineError
            If the connection breaks or the sender orders what cannot be done.
        """
        memory, memory_pages, attached = self._twin().memory, self.memory_bytes // PAGE_BYTES, False
        while (received := wire.receive_header(sock, memory_pages)) is not None:
            header, runs = received
            if header.kind in {Kind.PASS, Kind.FINAL}:
                if self.started:
                    raise EngineError("The sender goes on sending pages of a guest that runs already.")
                if header.n_pages <= _HANDFUL_PAGES:
                    _receive_handful(sock, memory.map, runs.tolist(), header.n_pages)
                else:
                    form.receive_pages(sock, memory.map, runs)
                wire.send_ack(sock, header.kind)
                if not attached and header.kind is Kind.PASS:
                    # The first pass brought all of the memory, and what matters of it to the program stays the same.
                    self._twin().attach()
                    attached = True
            elif header.kind is Kind.GO:
                wire.send_ack(sock, Kind.GO, self.start())
            else:
                wire.send_message(sock, self._digest(pause=header.kind is Kind.VERIFY))

    def start(self) -> float:
        """Start the guest, unless somebody was told that it never will be.

        Returns
        -------
        float
            When it first wrote, by CLOCK_MONOTONIC of this machine [s].

        Raises
        ------
        EngineError
            If the guest was discarded, or its process is gone.
        """
        with self._lock:
            if self._discarded or self.started:
                raise EngineError("The order to start the guest came too late; it was discarded or runs already.")
            first_write_s = self._twin().start()
            self.started = True
            return first_write_s

    def settle(self) -> Outcome:
        """Tell whether the guest runs here; if it does not yet, it never will.

        Returns
        -------
        Outcome
            ``running`` or ``discarded``.
        """
        with self._lock:
            if self.started:
                return Outcome.RUNNING
            self._discarded = True
            self._release()
            return Outcome.DISCARDED

    def status(self) -> dict[str, Any]:
        """Tell what the guest does, changing nothing.

        Returns
        -------
        dict
            Process id, whether it lives, and whether it runs.
        """
        with self._lock:
            if self._discarded or self._domain is None or not self._domain.alive:
                return {"pid": None, "running": False}
            return {"pid": self._domain.pid, "running": self._domain.control.state is State.RUNNING}

    def end(self) -> None:
        """End the guest, whatever it does."""
        with self._lock:
            self._discarded = True
            self._release()

    def _release(self) -> None:
        """Kill a discarded guest; its memory goes only once no pages are being received into it."""
        if not self._discarded or self._domain is None:
            return
        self._domain.signal(signal.SIGKILL)
        if not self._served:
            domain, self._domain = self._domain, None
            domain.end()

    def _digest(self, *, pause: bool) -> dict[str, Any]:
        twin = self._twin()
        if pause:
            twin.suspend()
        try:
            return {"digest": memory_digest(twin.memory.map), "steps": Program(twin.memory.map).steps}
        finally:
            if pause:
                with contextlib.suppress(EngineError):
                    twin.resume()

    def _twin(self) -> Domain:
        if self._domain is None:
            raise EngineError("The guest was discarded before it ran here.")
        return self._domain


def _receive_handful(sock: socket.socket, memory: mmap.mmap, runs: list[list[int]], n_pages: int) -> None:
    """Receive a few pages and put them in their places; to set up more than that costs longer than to do it."""
    received, begin = memoryview(wire.receive_exactly(sock, n_pages * PAGE_BYTES)), 0
    for first, end in runs:
        n_bytes = (end - first) * PAGE_BYTES
        memory[first * PAGE_BYTES : end * PAGE_BYTES] = received[begin : begin + n_bytes]
        begin += n_bytes
