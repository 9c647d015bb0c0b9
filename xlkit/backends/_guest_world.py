"""The live engine in the terms of the precopy loop: a guest process as its memory, a TCP connection as its link."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from xlkit.engine.channel import Channel
from xlkit.engine.control import Control, State
from xlkit.engine.digest import memory_digest, replay
from xlkit.engine.memory import SharedMemory
from xlkit.engine.outcome import Outcome, ask_outcome
from xlkit.engine.program import Program
from xlkit.engine.runs import Runs, all_runs, count_below, count_pages
from xlkit.engine.sender import Sender
from xlkit.engine.trackers import Tracker
from xlkit.engine.transport import Interrupted, Poll
from xlkit.errors import EngineError, UndefinedOutcomeError
from xlkit.model import DowntimePart, Knowledge
from xlkit.protocols import Clock, HandOver

CLOCK_NAME: Final = "CLOCK_MONOTONIC of the migrator"
GUEST_CLOCK_NAME: Final = "CLOCK_MONOTONIC of the guests"
_WORD_TIMEOUT_S: Final = 10.0
_STOP_TIMEOUT_S: Final = 5.0

Point = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class PageRuns:
    """A set of pages as runs of shape (n, 2)."""

    runs: Runs

    @property
    def pages(self) -> int:
        """How many there are [page of 4096 B]."""
        return count_pages(self.runs)

    def below(self, borders: Sequence[int]) -> list[int]:
        """Count, for each border, the pages of lower number [page of 4096 B]."""
        return [int(count) for count in count_below(self.runs, borders)]


class GuestMemory:
    """The guest at the source, driven over its second channel.

    Parameters
    ----------
    memory : SharedMemory
        The guest's memory.
    control : Control
        Its control page.
    guest : Channel
        The channel that makes this process the guest's master.
    tracker : Tracker
        Reads what was written.
    stop_pid : int, optional
        Process to stop by signal; without it the guest is asked to suspend.
    point : callable
        Told what was just reached.
    """

    def __init__(
        self,
        memory: SharedMemory,
        control: Control,
        guest: Channel,
        tracker: Tracker,
        *,
        stop_pid: int | None,
        point: Point,
    ) -> None:
        self.shared, self.control = memory, control
        self._guest, self._tracker, self._stop_pid, self._point = guest, tracker, stop_pid, point

    def all_pages(self) -> PageRuns:
        """Begin to track writes, and return the whole memory."""
        self._tell("track", tracker=self._tracker.name)
        self._tracker.collect()
        return PageRuns(all_runs(self.shared.memory_pages))

    def collect_dirty(self) -> PageRuns:
        """Return the pages written since the last call, and clear them."""
        return PageRuns(self._tracker.collect())

    def pause(self) -> None:
        """Suspend the guest."""
        if self._stop_pid is None:
            self._tell("suspend")
        else:
            _stop(self._stop_pid)
            self.control.state = State.SUSPENDED
        self._point("suspended")

    def resume(self) -> None:
        """Let the guest run on at the source."""
        if self._stop_pid is None:
            self._tell("resume")
        else:
            self.control.state = State.RUNNING
            os.kill(self._stop_pid, signal.SIGCONT)

    def retire(self) -> None:
        """Keep the guest from running on by itself unless the destination says so."""
        # It stands still and reads its state only when this process is gone: no need to wake it in the blackout.
        self.control.state = State.RETIRED

    def depart(self) -> None:
        """Let the guest stand still for good."""
        self.control.state = State.DEPARTED

    def untrack(self) -> None:
        """Stop tracking."""
        self._tracker.close()
        if self._stop_pid is None or self.control.state is State.RUNNING:
            self._tell("untrack")

    def _tell(self, word: str, **facts: Any) -> None:
        self._guest.send(word, **facts)
        try:
            message = self._guest.receive(_WORD_TIMEOUT_S)
        except TimeoutError as error:
            raise EngineError(f"The guest did not answer to {word!r} for {_WORD_TIMEOUT_S:g} s.") from error
        if message is None:
            raise EngineError(f"The guest's process ended at {word!r}.")


class ReceiverLink:
    """The connection to the receiver.

    Parameters
    ----------
    sender : Sender
        Connected, its receiver ready.
    memory : GuestMemory
        The guest at the source.
    clock : callable
        Seconds since the start of the run [s].
    zero_s : float
        Start of the run by CLOCK_MONOTONIC [s].
    hold : bool
        Whether to compare both memories before the guest runs on.
    interrupted : callable
        Asked whether to give up.
    point : callable
        Told what was just reached.
    """

    def __init__(
        self,
        sender: Sender,
        memory: GuestMemory,
        *,
        clock: Clock,
        zero_s: float,
        hold: bool,
        interrupted: Poll,
        point: Point,
    ) -> None:
        self._sender, self._memory = sender, memory
        self._clock, self._zero_s, self._hold = clock, zero_s, hold
        self._interrupted, self._point = interrupted, point
        self._passes = 0
        self.connected = True

    def send(self, pages: PageRuns, *, final: bool) -> int:
        """Deliver pages."""
        self._point("final pass" if final else f"pass {self._passes}")
        n_bytes = self._sender.send_pass(self._passes, pages.runs, final=final, interrupted=self._in_pass(final=final))
        self._passes += 1
        return n_bytes

    def hand_over(self) -> HandOver:
        """Start the guest at the destination."""
        sent_s = self._clock()
        held = (self._compare(sent_s),) if self._hold else ()
        begun_s = self._clock()
        self._point("sent")
        if self._interrupted():
            raise Interrupted("The migration was given up before the hand-over; the guest runs on at the source.")
        self._memory.retire()
        self._point("retired")
        started_s, knowledge = self._start()
        self._memory.depart()
        resume = DowntimePart(name="resume", duration_s=started_s - begun_s, knowledge=knowledge, clock=CLOCK_NAME)
        return HandOver(started_s=started_s, parts=(*held, resume, self._silence(started_s, knowledge)))

    def verify(self) -> bool:
        """Prove that the memory at the destination is what the source's would be by now.

        Returns
        -------
        bool
            Whether they are equal, after the source took the steps that the destination took since.
        """
        self._sender.ask_verification()
        digest, steps = self._sender.digest()
        memory = self._memory.shared.map
        missing_steps = steps - Program(memory).steps
        if missing_steps < 0:
            return False
        replay(memory, missing_steps)
        return memory_digest(memory) == digest

    def _in_pass(self, *, final: bool) -> Poll:
        reached = False

        def interrupted() -> bool:
            nonlocal reached
            if not reached:
                reached = True
                self._point("in final pass" if final else f"in pass {self._passes}")
            return self._interrupted()

        return interrupted

    def _compare(self, begun_s: float) -> DowntimePart:
        self._sender.ask_digest()
        ours = memory_digest(self._memory.shared.map)
        theirs, _ = self._sender.digest()
        if ours != theirs:
            raise EngineError(
                "The memory at the destination differs from the guest's; the guest runs on at the source."
            )
        return DowntimePart(
            name="verify", duration_s=self._clock() - begun_s, knowledge=Knowledge.EXACT, clock=CLOCK_NAME
        )

    def _start(self) -> tuple[float, Knowledge]:
        try:
            self._sender.order_start()
            self._point("ordered")
            first_write_s = self._sender.started()
        except EngineError as error:
            self.connected = False
            self._ask_who_runs(error)
            return self._clock(), Knowledge.AT_MOST
        if self._sender.same_machine:
            return first_write_s - self._zero_s, Knowledge.EXACT
        return self._clock(), Knowledge.AT_MOST

    def _ask_who_runs(self, error: EngineError) -> None:
        destination = self._sender.destination
        self._sender.close()
        outcome = ask_outcome(destination)
        if outcome is Outcome.DISCARDED:
            raise EngineError(f"{error} The destination does not run the guest.") from error
        if outcome is Outcome.UNKNOWN:
            raise UndefinedOutcomeError(
                f"{error} It happened during the hand-over, and {destination.host}:{destination.port} does not say "
                "whether it runs the guest. The guest at the source stays paused; look at both hosts."
            ) from error

    def _silence(self, started_s: float, knowledge: Knowledge) -> DowntimePart:
        known = knowledge is Knowledge.EXACT
        silent_s = started_s + self._zero_s - self._memory.control.last_write_s if known else None
        exactness = Knowledge.EXACT if known else Knowledge.UNKNOWN
        return DowntimePart(name="guest_silent", duration_s=silent_s, knowledge=exactness, clock=GUEST_CLOCK_NAME)


def _stop(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    stat, deadline_s = Path(f"/proc/{pid}/stat"), time.monotonic() + _STOP_TIMEOUT_S
    while stat.read_bytes().rpartition(b")")[2].split(None, 1)[0] != b"T":
        if time.monotonic() > deadline_s:
            raise EngineError(f"Process {pid} did not stop within {_STOP_TIMEOUT_S:g} s of SIGSTOP.")
