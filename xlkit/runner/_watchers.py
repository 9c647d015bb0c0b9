"""Watchers: each hears every event in order, in its own time and thread."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from xlkit.model import Event
from xlkit.protocols import Watcher

DRAIN_S = 5.0

_FAILED = "The watcher %s failed at %s; the migration goes on."

_log = logging.getLogger("xlkit.runner")


class _Listener:
    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._name = getattr(watcher, "__qualname__", type(watcher).__name__)
        self._events: SimpleQueue[Event | None] = SimpleQueue()
        self._given_up = False
        self._has_failed = False
        self._thread = threading.Thread(target=self._listen, name=f"xlkit watcher {self._name}", daemon=True)
        self._thread.start()

    def put(self, event: Event | None) -> None:
        self._events.put(event)

    def join(self, until_s: float) -> None:
        self._thread.join(max(0.0, until_s - time.monotonic()))
        if self._thread.is_alive():
            self._given_up = True
            _log.warning("The watcher %s was too slow: it missed the last events of the run.", self._name)

    def _listen(self) -> None:
        while (event := self._events.get()) is not None and not self._given_up:
            try:
                self._watcher(event)
            except Exception:  # noqa: BLE001 - a watcher is somebody else's code, and the migration goes on whatever it does
                kind = type(event).__name__
                _log.error(_FAILED, self._name, kind, exc_info=not self._has_failed)
                self._has_failed = True


@contextmanager
def listening(watchers: Iterable[Watcher], *, drain_s: float = DRAIN_S) -> Iterator[Callable[[Event], None]]:
    """Lend a function that passes an event on without waiting; at the end watchers get `drain_s` [s] to catch up."""
    listeners = [_Listener(watcher) for watcher in watchers]

    def tell(event: Event) -> None:
        for listener in listeners:
            listener.put(event)

    try:
        yield tell
    finally:
        for listener in listeners:
            listener.put(None)
        until_s = time.monotonic() + drain_s
        for listener in listeners:
            listener.join(until_s)
