"""The migrator: a process of its own for one migration, as Xen's save helper is one.

Nothing that the owner does (a busy notebook, a slow journal) can then lengthen the blackout. The owner is asked for
each decision of the policy; it hears of a pass before it is asked about the next, so no pass begins unrecorded.
"""

import gc
import select
import time
from dataclasses import asdict, replace
from typing import Any

from xlkit.backends._guest_world import CLOCK_NAME, GuestMemory, Point, ReceiverLink
from xlkit.engine.channel import Channel, Message
from xlkit.engine.child import obey_parent_only
from xlkit.engine.control import Control
from xlkit.engine.memory import SharedMemory
from xlkit.engine.outcome import Destination
from xlkit.engine.sender import Sender
from xlkit.engine.trackers import KernelTracker, MarksTracker, Tracker
from xlkit.engine.transport import Interrupted
from xlkit.errors import EngineError, UndefinedOutcomeError, XlkitError
from xlkit.journal import to_data, to_line
from xlkit.model import Decision, Iteration, Phase, PrecopyStats, RunStop, Side, Status, StopReason
from xlkit.precopy import precopy

BASELINE_S = 0.15
NO_POLICY = (lambda policy: policy, dict)
"""Codec of events that hold no policy."""


def is_last_live_pass(event: Iteration | RunStop) -> bool:
    """Tell whether the guest is suspended next, so that the owner has to say that it has the event.

    After every other live pass the owner's next answer says so, as it hears one thing after the other: the set is
    collected meanwhile.

    Parameters
    ----------
    event : Iteration or RunStop
        What was recorded.

    Returns
    -------
    bool
        Whether an answer is due.
    """
    if isinstance(event, RunStop) or event.phase is Phase.STOP_AND_COPY:
        return False
    return event.decision_after is not Decision.CONTINUE


class Owner:
    """The process that started the migration, as the migrator sees it.

    Parameters
    ----------
    channel : Channel
        To the owner.
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._reason = StopReason.UNKNOWN

    def decide(self, stats: PrecopyStats) -> Decision:
        """Let the owner's policy answer."""
        facts = self.ask("decide", stats=to_data(stats, NO_POLICY)).facts
        self._reason = StopReason(facts["reason"])
        return Decision(facts["decision"])

    def reason(self, stats: PrecopyStats) -> StopReason:  # noqa: ARG002 - the owner told it with the decision
        """Name the rule that ended precopy."""
        return self._reason

    def ask(self, word: str, **facts: Any) -> Message:
        """Say something that the owner has to answer.

        Parameters
        ----------
        word : str
            What it is about.
        **facts : object
            What JSON can hold.

        Returns
        -------
        Message
            The answer.

        Raises
        ------
        Interrupted
            If the owner aborts or is gone.
        """
        self.channel.send(word, **facts)
        answer = self.channel.receive()
        if answer is None or answer.word == "abort":
            raise Interrupted("The migration was given up; the guest runs on at the source.")
        return answer

    def interrupts(self) -> bool:
        """Tell whether the owner aborts, or is gone."""
        return self.channel.pending or bool(select.select((self.channel,), (), (), 0)[0])

    def record(self, event: Iteration | RunStop) -> None:
        """Hand an event to the owner; after the last live pass wait until it has it."""
        line = to_line(event, NO_POLICY)
        if is_last_live_pass(event):
            self.ask("event", line=line)
        else:
            self.channel.send("event", line=line)


class Migrator:
    """Migrate one guest as the owner's first message says.

    Parameters
    ----------
    owner : Owner
        Whom to ask and to tell.
    facts : dict
        What the first message says.
    fds : list of int
        The guest's channel, its memory, its control page and perhaps its marks.
    """

    def __init__(self, owner: Owner, facts: dict[str, Any], fds: list[int]) -> None:
        guest_fd, memory_fd, control_fd, *marks_fd = fds
        self._owner, self._facts = owner, facts
        self._point: Point = self._reach if facts["points"] else _pass_by
        self._zero_s = time.monotonic()
        shared = SharedMemory(memory_fd, facts["memory_bytes"])
        shared.populate()
        self._sender = Sender(
            Destination(**facts["destination"]), shared.map, facts["transport"], facts["bandwidth_bytes_s"]
        )
        self._guest = Channel.of(guest_fd)
        self._guest.send("destination", **asdict(self._sender.destination))
        self._guest.receive()
        self._control = Control(SharedMemory(control_fd, facts["control_bytes"]))
        self._memory = GuestMemory(
            shared,
            self._control,
            self._guest,
            _tracker(facts, marks_fd, shared.memory_pages),
            stop_pid=facts["pid"] if facts["suspend"] == "hard" else None,
            point=self._point,
        )

    def run(self) -> None:
        """Wait for the order to begin, migrate, and tell the owner how it ended."""
        try:
            self._owner.ask("ready")
            self._migrate()
        except Interrupted as error:
            self._memory.untrack()
            self._owner.record(
                RunStop(
                    status=Status.ABORTED,
                    stop_reason=StopReason.ABORTED,
                    ended_s=self._clock(),
                    runs_at=Side.SOURCE,
                    message=str(error),
                )
            )

    def _migrate(self) -> None:
        self._zero_s = time.monotonic()
        self._drained_ms = int((self._zero_s - BASELINE_S) * 1000)
        link = ReceiverLink(
            self._sender,
            self._memory,
            clock=self._clock,
            zero_s=self._zero_s,
            hold=self._facts["verify"] == "hold",
            interrupted=self._owner.interrupts,
            point=self._point,
        )
        for event in precopy(self._memory, link, self._owner, self._clock, clock_name=CLOCK_NAME):
            if isinstance(event, Iteration):
                self._owner.record(self._with_heartbeat(event))
            else:
                self._finish(event, link)

    def close(self) -> None:
        """Close the connection and leave the guest to itself."""
        self._sender.close()
        self._guest.close()

    def _clock(self) -> float:
        return time.monotonic() - self._zero_s

    def _with_heartbeat(self, event: Iteration) -> Iteration:
        beat = self._control.heartbeat(self._drained_ms, int(time.monotonic() * 1000))
        self._drained_ms = beat.begun_ms + len(beat.pages)
        return replace(event, heartbeat_begun_s=beat.begun_ms / 1000 - self._zero_s, heartbeat_pages=beat.pages)

    def _finish(self, stop: RunStop, link: ReceiverLink) -> None:
        if stop.status is not Status.COMPLETED:
            self._memory.untrack()
        elif self._facts["verify"] == "hold":
            stop = replace(stop, verified=True)
        elif self._facts["verify"] == "replay":
            stop = _verified(stop, link)
        self._owner.record(stop)

    def _reach(self, name: str) -> None:
        self._owner.channel.send("point", name=name)
        self._owner.channel.receive()


def _verified(stop: RunStop, link: ReceiverLink) -> RunStop:
    if not link.connected:
        return replace(stop, message="The connection broke during the hand-over: the memories were not compared.")
    try:
        verified = link.verify()
    except EngineError as error:
        return replace(stop, message=f"The memories were not compared: {error}")
    if verified:
        return replace(stop, verified=True)
    why = "The memory at the destination differs from the source's: do not trust this run, and report it."
    return replace(stop, verified=False, status=Status.FAILED, message=why)


def _tracker(facts: dict[str, Any], marks_fd: list[int], memory_pages: int) -> Tracker:
    if facts["tracker"] == KernelTracker.name:
        return KernelTracker(facts["pid"], facts["address"], facts["memory_bytes"])
    (fd,) = marks_fd
    return MarksTracker(SharedMemory(fd, facts["marks_bytes"]).map, memory_pages)


def _pass_by(name: str) -> None:
    """No test wants to hold the migrator here."""


def main() -> None:
    """Run as the migrator of the process that started this one."""
    obey_parent_only()
    channel = Channel.inherited()
    begin = channel.receive()
    if begin is None or begin.word != "begin":
        return
    migrator = None
    try:
        migrator = Migrator(Owner(channel), begin.facts, channel.take_fds())
        # A collection of garbage in the blackout would cost more than the blackout.
        gc.collect()
        gc.freeze()
        gc.disable()
        migrator.run()
    except (XlkitError, OSError) as error:
        channel.send("failed", undefined=isinstance(error, UndefinedOutcomeError), why=str(error))
    finally:
        if migrator is not None:
            migrator.close()


if __name__ == "__main__":
    main()
