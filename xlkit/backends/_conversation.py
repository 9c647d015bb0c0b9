"""The owner's half of a migration: answer the migrator, pass its events on, and tell how it ended."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from xlkit.backends._household import Household
from xlkit.backends.migrator import NO_POLICY, is_last_live_pass
from xlkit.engine.channel import Message
from xlkit.engine.child import Child
from xlkit.engine.control import State
from xlkit.errors import EngineError, UndefinedOutcomeError
from xlkit.journal import from_data, from_line
from xlkit.model import Decision, Iteration, PrecopyStats, RunStop, Side, Status, StopReason
from xlkit.protocols import Interruptible, Policy, Reasoned

_ASK_AGAIN_S: Final = 0.02


class Conversation:
    """Talk with the migrator until the migration is over.

    Parameters
    ----------
    household : Household
        Guest, destination and migrator, all open.
    policy : Policy
        Answers the migrator's questions.
    at_point : callable, optional
        Called at each point that the migrator reaches.
    """

    def __init__(self, household: Household, policy: Policy, at_point: Callable[[str], None] | None) -> None:
        if household.migrator is None:
            raise EngineError("There is no migrator to talk with.")
        self._household, self._policy, self._at_point = household, policy, at_point
        self._migrator: Child = household.migrator
        self._aborting = False

    def events(self) -> Iterator[Iteration | RunStop]:
        """Let the migrator begin, and yield what it records.

        Yields
        ------
        Iteration or RunStop
            Each pass, then the end.

        Raises
        ------
        MigrationError
            If the migration failed; the message says where the guest runs.
        """
        while (message := self._next()) is not None and message.word != "failed":
            if message.word != "event":
                self._answer(message)
                continue
            event = from_line(message.facts["line"], NO_POLICY)
            if isinstance(event, RunStop):
                self._household.end_migrator()
                yield event
                return
            if isinstance(event, Iteration):
                yield event
                if is_last_live_pass(event):
                    self._say("next")
        yield self._end(message)

    def _answer(self, message: Message) -> None:
        if message.word == "decide":
            stats = from_data(PrecopyStats, message.facts["stats"], NO_POLICY)
            decision = Decision(self._policy.decide(stats))
            self._say("decision", decision=decision, reason=self._reason(decision, stats))
        elif message.word == "ready":
            self._household.wait_for_baseline()
            self._say("begin")
        elif message.word == "point":
            if self._at_point is not None:
                self._at_point(message.facts["name"])
            self._say("go on")

    def _reason(self, decision: Decision, stats: PrecopyStats) -> StopReason:
        if decision is Decision.CONTINUE:
            return StopReason.UNKNOWN
        return self._policy.reason(stats) if isinstance(self._policy, Reasoned) else StopReason.POLICY

    def _next(self) -> Message | None:
        while True:
            self._interrupt()
            try:
                return self._migrator.channel.receive(self._patience_s())
            except TimeoutError:
                continue

    def _patience_s(self) -> float | None:
        return _ASK_AGAIN_S if isinstance(self._policy, Interruptible) and not self._aborting else None

    def _interrupt(self) -> None:
        if self._aborting or not isinstance(self._policy, Interruptible):
            return
        if self._policy.abort_requested():
            self._aborting = True
            self._say("abort")

    def _say(self, word: str, **facts: Any) -> None:
        try:
            self._migrator.channel.send(word, **facts)
        except EngineError:
            # It ended; what it said before, or that it said nothing, comes with the next message.
            return

    def _end(self, message: Message | None) -> RunStop:
        """Tell how a migration ended whose migrator gave up or was lost; most ways to end are errors."""
        household = self._household
        household.end_migrator()
        state = household.settle_for_good()
        why = "The migrator's process ended before the migration did." if message is None else message.facts["why"]
        if state is State.DEPARTED:
            return RunStop(
                status=Status.FAILED,
                stop_reason=StopReason.FAILED,
                runs_at=Side.DESTINATION,
                message=f"{why} The guest runs at the destination, which had taken it over.",
            )
        if state is State.RETIRED:
            raise UndefinedOutcomeError(why)
        where = "runs on at the source" if state is State.RUNNING else "is gone: its process ended, too"
        raise EngineError(f"{why} The guest {where}.")
