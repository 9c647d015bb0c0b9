"""The domain: a guest's memory, its control page and the process that runs it, held by whoever started it."""

import socket

from xlkit.engine import control
from xlkit.engine.child import Child
from xlkit.engine.control import Control
from xlkit.engine.memory import SharedMemory
from xlkit.engine.trackers import MarksTracker
from xlkit.engine.workload import Workload, to_settings
from xlkit.errors import EngineError
from xlkit.units import PAGE_BYTES

_BOOT_TIMEOUT_S = 120.0
_WORD_TIMEOUT_S = 10.0


class Domain:
    """Start a guest process on new memory; it works once `start` is called.

    Parameters
    ----------
    memory_bytes : int
        Size of the guest [byte].
    workload : Workload, optional
        What it does. Not given for a guest whose memory is going to be received.
    seed : int, default 1
        Chooses the workload's random numbers.
    tracker : str, default "wp_async"
        Tracker that will be used; ``marks`` needs shared marks.
    child : Child, optional
        What `spare` returned.

    Raises
    ------
    EngineError
        If the machine has not that much memory free.
    """

    def __init__(
        self,
        memory_bytes: int,
        workload: Workload | None = None,
        *,
        seed: int = 1,
        tracker: str = "wp_async",
        child: Child | None = None,
    ) -> None:
        self.memory_bytes = memory_bytes
        self.address = 0
        self._child = spare() if child is None else child
        self._shared: list[SharedMemory] = []
        try:
            self._share(memory_bytes, "xlkit-guest")
            self.control = Control(self._share(control.SIZE_BYTES, "xlkit-control"))
            if tracker == MarksTracker.name:
                self._share(self.marks_bytes, "xlkit-marks")
            self._child.channel.send(
                "begin",
                fds=self.fds,
                memory_bytes=memory_bytes,
                control_bytes=control.SIZE_BYTES,
                marks_bytes=self.marks_bytes,
                workload=None if workload is None else to_settings(workload),
                seed=seed,
            )
        except BaseException:
            self._child.end()
            self._unshare()
            raise

    @property
    def fds(self) -> list[int]:
        """Descriptors of memory, control page and, where there are any, marks."""
        return [shared.fd for shared in self._shared]

    @property
    def memory(self) -> SharedMemory:
        """The guest's memory."""
        return self._shared[0]

    @property
    def pid(self) -> int:
        """Process that runs the guest."""
        return self._child.pid

    @property
    def marks_bytes(self) -> int:
        """Size of the marks, one byte a page in whole pages, where there are any [byte]."""
        return -(-self.memory_bytes // PAGE_BYTES // PAGE_BYTES) * PAGE_BYTES

    @property
    def alive(self) -> bool:
        """Whether that process has not ended."""
        return self._child.alive

    def ready(self) -> None:
        """Wait until the guest can be started at once.

        Raises
        ------
        EngineError
            If its process ended, or found the workload too large for the memory.
        """
        self.address = int(self._child.expect("ready", _BOOT_TIMEOUT_S).facts["address"])

    def attach(self) -> None:
        """Let the guest find its program in memory that is complete enough, so that its start takes less time.

        Raises
        ------
        EngineError
            If the memory holds no guest.
        """
        self._tell("attach")

    def start(self) -> float:
        """Let the guest take its first step.

        Returns
        -------
        float
            When it had written first, by CLOCK_MONOTONIC of this machine [s].

        Raises
        ------
        EngineError
            If its process is gone.
        """
        self._child.channel.send("start")
        self._child.expect("started", _WORD_TIMEOUT_S)
        return self.control.first_write_s

    def suspend(self) -> None:
        """Let the guest stand still until `resume`.

        Raises
        ------
        EngineError
            If its process is gone.
        """
        self._tell("suspend")

    def resume(self) -> None:
        """Let the guest run on.

        Raises
        ------
        EngineError
            If its process is gone.
        """
        self._tell("resume")

    def adopt(self) -> socket.socket:
        """Give the guest a new master; when that one is gone, the guest runs on by itself.

        Returns
        -------
        socket.socket
            The master's end, to be passed on and closed here.

        Raises
        ------
        EngineError
            If the guest's process is gone.
        """
        masters, guests = socket.socketpair()
        with guests:
            try:
                self._child.channel.send("adopt", fds=[guests.fileno()])
                self._child.expect("done", _WORD_TIMEOUT_S)
            except EngineError:
                masters.close()
                raise
        return masters

    def signal(self, number: int) -> None:
        """Send the guest's process a signal; harmless when it has ended.

        Parameters
        ----------
        number : int
            Which one.
        """
        self._child.kill(number)

    def end(self) -> None:
        """End the guest and give its memory back."""
        self._child.kill()
        self._child.end()
        self.control.close()
        self._unshare()

    def _share(self, size_bytes: int, name: str) -> SharedMemory:
        self._shared.append(SharedMemory.create(size_bytes, name))
        return self._shared[-1]

    def _unshare(self) -> None:
        for shared in self._shared:
            shared.close()

    def _tell(self, word: str) -> None:
        self._child.channel.send(word)
        self._child.expect("done", _WORD_TIMEOUT_S)


def spare() -> Child:
    """Start a process that can become a guest, so that its imports are done by then.

    Returns
    -------
    Child
        For `Domain`; ended by whoever does not use it.
    """
    return Child("xlkit.engine.guest")
