"""The guest's control page: its state and its heartbeat, shared with those who drive it and never migrated."""

from enum import IntEnum
from typing import Final, NamedTuple

from xlkit.engine.memory import SharedMemory

_RING_MS: Final = 1 << 16
_RING_MASK: Final = _RING_MS - 1
_RING_OFFSET: Final = 4096
SIZE_BYTES: Final = _RING_OFFSET + 4 * _RING_MS
_I_STATE, _I_TRACKED, _I_STEPS, _I_FIRST_MS, _I_LAST_MS = range(5)
_F_FIRST_WRITE_S, _F_LAST_WRITE_S, _F_LATE_S = range(3)


class State(IntEnum):
    """What a guest is doing."""

    BOOTING = 0
    RUNNING = 1
    SUSPENDED = 2
    RETIRED = 3
    DEPARTED = 4


class Heartbeat(NamedTuple):
    """A stretch of the guest's work."""

    begun_ms: int
    pages: tuple[int, ...]


class Control:
    """Look into a control page.

    Times are CLOCK_MONOTONIC of the machine that the guest runs on.

    Parameters
    ----------
    memory : SharedMemory
        Of `SIZE_BYTES`, all zero at first; taken over.

    Notes
    -----
    The heartbeat keeps the last 65.536 s, a number for each millisecond. Who reads it more seldom misses what came
    before; it shows as a gap between the end of one stretch and the begin of the next.
    """

    def __init__(self, memory: SharedMemory) -> None:
        self.memory = memory
        view = memoryview(memory.map)
        self._whole = view[:512].cast("q")
        self._real = view[512:1024].cast("d")
        self._ring = view[_RING_OFFSET:SIZE_BYTES].cast("I")

    @classmethod
    def create(cls) -> "Control":
        """Make a new one.

        Returns
        -------
        Control
            All zero.
        """
        return cls(SharedMemory.create(SIZE_BYTES, "xlkit-control"))

    @property
    def state(self) -> State:
        """What the guest is doing."""
        return State(self._whole[_I_STATE])

    @state.setter
    def state(self, state: State) -> None:
        self._whole[_I_STATE] = state

    @property
    def tracked(self) -> bool:
        """Whether its writes are tracked."""
        return bool(self._whole[_I_TRACKED])

    @tracked.setter
    def tracked(self, tracked: bool) -> None:
        self._whole[_I_TRACKED] = tracked

    @property
    def steps(self) -> int:
        """Steps that this process has taken."""
        return self._whole[_I_STEPS]

    @property
    def first_write_s(self) -> float:
        """When this process first wrote [s], 0 before that."""
        return self._real[_F_FIRST_WRITE_S]

    @property
    def last_write_s(self) -> float:
        """When this process last wrote [s], 0 before the first time."""
        return self._real[_F_LAST_WRITE_S]

    @property
    def late_s(self) -> float:
        """Time that the guest gave up catching up on, because the processor was not there [s]."""
        return self._real[_F_LATE_S]

    def wrote(self, n_pages: int, now_s: float) -> None:
        """Note a step of the guest.

        Parameters
        ----------
        n_pages : int
            Pages that it wrote.
        now_s : float
            When it was done [s].
        """
        whole, ring, now_ms = self._whole, self._ring, int(now_s * 1000)
        last_ms = whole[_I_LAST_MS]
        if not last_ms:
            whole[_I_FIRST_MS] = last_ms = now_ms
            self._real[_F_FIRST_WRITE_S] = now_s
        for between_ms in range(max(last_ms, now_ms - _RING_MS) + 1, now_ms + 1):
            ring[between_ms & _RING_MASK] = 0
        ring[now_ms & _RING_MASK] += n_pages
        whole[_I_LAST_MS] = now_ms
        whole[_I_STEPS] += 1
        self._real[_F_LAST_WRITE_S] = now_s

    def slipped(self, late_s: float) -> None:
        """Note time that will not be caught up on.

        Parameters
        ----------
        late_s : float
            How much [s].
        """
        self._real[_F_LATE_S] += late_s

    def heartbeat(self, since_ms: int, until_ms: int) -> Heartbeat:
        """Read a stretch of the heartbeat.

        Parameters
        ----------
        since_ms : int
            First millisecond wanted, of the guest's clock.
        until_ms : int
            The one after the last; it should have passed.

        Returns
        -------
        Heartbeat
            Pages written in each millisecond, 0 where the guest stood still; begins later than asked for where it had
            not begun to work yet or the ring was written over.
        """
        first_ms, last_ms = self._whole[_I_FIRST_MS], self._whole[_I_LAST_MS]
        begun_ms = max(since_ms, first_ms or until_ms, max(last_ms, until_ms) - _RING_MS + 1)
        ring = self._ring
        pages = (ring[ms & _RING_MASK] if ms <= last_ms else 0 for ms in range(begun_ms, until_ms))
        return Heartbeat(begun_ms, tuple(pages))

    def close(self) -> None:
        """Let go of the page."""
        for view in (self._whole, self._real, self._ring):
            view.release()
        self.memory.close()
