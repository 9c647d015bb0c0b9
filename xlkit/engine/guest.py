"""The guest: a process that works in its memory, knows nothing of migrations, and does as its control channels say.

It has a lifeline to the process that started it (the owner, or the receiver at the destination) and ends when that is
gone. Whoever migrates it gets a second channel; if that one breaks, a guest that was only suspended runs on by itself,
and one that was retired asks the destination which of the two is to run.
"""

import contextlib
import gc
import os
import select
import time

import numpy as np
import numpy.typing as npt

from xlkit.engine.channel import Channel, Message
from xlkit.engine.child import obey_parent_only
from xlkit.engine.control import Control, State
from xlkit.engine.libc import libc
from xlkit.engine.memory import SharedMemory
from xlkit.engine.outcome import Destination, Outcome, ask_outcome
from xlkit.engine.pagemap import WriteProtect, address_of, forbid_huge_pages
from xlkit.engine.program import Program
from xlkit.engine.trackers import KernelTracker
from xlkit.engine.workload import MIN_MEMORY_PAGES, Uniform, from_settings
from xlkit.errors import EngineError, XlkitError
from xlkit.units import PAGE_BYTES

_LATE_S = 0.05
_ASK_AGAIN_S = 0.5
_REHEARSED_STEPS = 10
_PR_SET_TIMERSLACK = 29


class _Ended(Exception):  # noqa: N818 - no error: the owner is gone or wants the guest to end
    """The guest is to end."""


class Guest:
    """Work, and listen between two steps.

    Parameters
    ----------
    lifeline : Channel
        To the process that started this one.
    memory : SharedMemory
        The guest's memory.
    control : Control
        Its control page.
    marks : SharedMemory, optional
        One byte a page, for guests that mark what they write.
    """

    def __init__(
        self, lifeline: Channel, memory: SharedMemory, control: Control, marks: SharedMemory | None = None
    ) -> None:
        self._lifeline = lifeline
        self._command: Channel | None = None
        self._memory, self._control = memory, control
        self._shared_marks = None if marks is None else np.frombuffer(marks.map, np.uint8, memory.memory_pages)
        self._marks: npt.NDArray[np.uint8] | None = None
        self._armed: WriteProtect | None = None
        self._destination: Destination | None = None
        self._program: Program | None = None

    def run(self) -> None:
        """Wait for the start, then work until the owner is gone or says so."""
        try:
            self._listen(State.BOOTING)
            program = self._program or Program(self._memory.map)
            self._step(program)
            self._lifeline.send("started")
            while True:
                self._work(program)
                self._listen(State.SUSPENDED, State.RETIRED, State.DEPARTED)
        except (_Ended, EngineError):
            self._untrack()

    def _work(self, program: Program) -> None:
        """Take steps at their times for as long as the state says so."""
        control, period_s, clock = self._control, program.period_s, time.monotonic
        due_s = clock()
        while True:
            now_s = self._step(program)
            due_s += period_s
            wait_s = due_s - now_s
            if wait_s < -_LATE_S:
                control.slipped(-wait_s)
                due_s, wait_s = now_s, 0.0
            self._hear_all(max(wait_s, 0.0))
            if control.state is not State.RUNNING:
                return

    def _step(self, program: Program) -> float:
        n_pages = program.step(self._marks) + 1
        now_s = time.monotonic()
        self._control.wrote(n_pages, now_s)
        return now_s

    def _listen(self, *states: State) -> None:
        while self._control.state in states:
            self._hear_all(None)

    def _hear_all(self, timeout_s: float | None) -> None:
        channels = [self._lifeline] if self._command is None else [self._lifeline, self._command]
        for channel in select.select(channels, (), (), timeout_s)[0]:
            if channel.fileno() >= 0:
                self._hear(channel)

    def _hear(self, channel: Channel) -> None:
        message = channel.receive()
        while message is not None:
            self._obey(channel, message)
            if not channel.pending:
                return
            message = channel.receive()
        if channel is self._lifeline:
            raise _Ended
        self._deserted()

    def _obey(self, channel: Channel, message: Message) -> None:
        word, control = message.word, self._control
        if word == "adopt":
            self._adopt()
        elif word == "destination":
            self._destination = Destination(**message.facts)
        elif word == "attach":
            self._program = Program(self._memory.map)
        elif word == "track":
            self._track(message.facts["tracker"])
        elif word == "untrack":
            self._untrack()
        elif word in _STATES:
            control.state = _STATES[word]
        if word == "start":
            return
        with contextlib.suppress(EngineError):
            channel.send("done")

    def _adopt(self) -> None:
        if self._command is not None:
            self._deserted()
        (fd,) = self._lifeline.take_fds()
        self._command = Channel.of(fd)

    def _track(self, tracker: str) -> None:
        if tracker == KernelTracker.name:
            memory = self._memory.map
            self._armed = self._armed or WriteProtect(address_of(memory), len(memory))
        else:
            self._marks = self._shared_marks
        self._control.tracked = True

    def _untrack(self) -> None:
        if self._armed is not None:
            self._armed.close()
        self._armed = self._marks = None
        self._control.tracked = False

    def _deserted(self) -> None:
        """Run on without the migrator, unless the destination does."""
        if self._command is not None:
            self._command.close()
        self._command = None
        self._untrack()
        if self._control.state is State.SUSPENDED:
            self._control.state = State.RUNNING
        while self._control.state is State.RETIRED:
            self._settle()

    def _settle(self) -> None:
        outcome = Outcome.UNKNOWN if self._destination is None else ask_outcome(self._destination)
        if outcome is Outcome.DISCARDED:
            self._control.state = State.RUNNING
        elif outcome is Outcome.RUNNING:
            self._control.state = State.DEPARTED
        elif select.select((self._lifeline,), (), (), _ASK_AGAIN_S)[0]:
            self._hear(self._lifeline)


_STATES = {
    "start": State.RUNNING,
    "suspend": State.SUSPENDED,
    "resume": State.RUNNING,
}


def main() -> None:
    """Run as a guest of the process that started this one."""
    obey_parent_only()
    lifeline = Channel.inherited()
    begin = lifeline.receive()
    if begin is None or begin.word != "begin":
        return
    try:
        guest, address = _prepare(lifeline, begin)
    except (XlkitError, OSError) as error:
        lifeline.send("failed", why=str(error))
        return
    lifeline.send("ready", address=address, pid=os.getpid())
    gc.collect()
    gc.freeze()
    guest.run()


def _prepare(lifeline: Channel, begin: Message) -> tuple[Guest, int]:
    memory_fd, control_fd, *marks_fd = lifeline.take_fds()
    facts = begin.facts
    memory = SharedMemory(memory_fd, facts["memory_bytes"])
    forbid_huge_pages(memory.map)
    memory.populate()
    if facts["workload"] is not None:
        Program.install(memory.map, from_settings(facts["workload"]), facts["seed"])
    else:
        _rehearse()
    control = Control(SharedMemory(control_fd, facts["control_bytes"]))
    marks = SharedMemory(marks_fd[0], facts["marks_bytes"]) if marks_fd else None
    with contextlib.suppress(EngineError, AttributeError):
        # Otherwise the kernel wakes a sleeper up to 50 us late, to save power.
        libc().prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    return Guest(lifeline, memory, control, marks), address_of(memory.map)


def _rehearse() -> None:
    """Take steps elsewhere: the first ones of a process are slow, and those of a twin fall into the blackout."""
    program = Program.install(bytearray(MIN_MEMORY_PAGES * PAGE_BYTES), Uniform(rate_pages_s=20_000), 1)
    for _ in range(_REHEARSED_STEPS):
        program.step()


if __name__ == "__main__":
    main()
