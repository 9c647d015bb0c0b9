"""What a record lets one know: the calls of the policy, what the operator did, and at which call precopy ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from xlkit.calls import stats_after, stats_before
from xlkit.errors import InvalidValueError
from xlkit.model import (
    Action,
    Control,
    Decision,
    Iteration,
    Phase,
    PrecopyStats,
    Run,
    Status,
    StopReason,
)
from xlkit.policies import RecordedPolicy
from xlkit.protocols import Policy, Reasoned

_BROKE_OFF = frozenset({Status.FAILED, Status.UNDEFINED})


@dataclass(frozen=True, slots=True)
class Call:
    """A moment at which the policy is asked; the call before pass k is number 2k, the one after it 2k + 1."""

    stats: PrecopyStats
    before_pass: bool


class Record:
    """One run as its policy met it.

    Parameters
    ----------
    run : Run
        Any recorded run.

    Raises
    ------
    InvalidValueError
        If it is none.
    """

    def __init__(self, run: Run) -> None:
        if not isinstance(run, Run):
            raise InvalidValueError(f"A replay needs a recorded Run, for example RunStore()[-1], not {run!r}.")
        self.run = run
        self.live = [one for one in run.iterations if one.phase is Phase.PRECOPY]
        self.final = next((one for one in run.iterations if one.phase is Phase.STOP_AND_COPY), None)
        self.memory_pages = run.start.setup.memory_pages
        if self.memory_pages is None and self.live and self.live[0].iteration == 0:
            # Pass 0 sets out to send the whole memory, and that size is what the loop shows.
            self.memory_pages = self.live[0].dirty_pages
        # Before a pass whose set is not recorded nobody can be asked again: None would say "after a pass".
        self.answerable = list(takewhile(lambda one: one.dirty_pages is not None, self.live))
        self.end = self._end()

    @property
    def whole(self) -> bool:
        """Whether every recorded pass can be decided again."""
        return len(self.answerable) == len(self.live)

    @property
    def next_number(self) -> int:
        """Number of the first pass that nobody can be asked about."""
        return self.answerable[-1].iteration + 1 if self.answerable else 0

    @property
    def broke_off(self) -> bool:
        """Whether the run failed before anybody had ended precopy."""
        return self.whole and self.end is None and self.run.stop.status in _BROKE_OFF

    @property
    def given_up(self) -> bool:
        """Whether an operator aborted, which need not have been at a call."""
        stop = self.run.stop
        return stop.status is Status.ABORTED and stop.stop_reason is StopReason.ABORTED

    def calls(self) -> list[Call]:
        """List the calls that can be answered again, in order."""
        lasts: list[Iteration | None] = [None, *self.answerable]
        return [
            call
            for last, now in zip(lasts, self.answerable, strict=False)
            for call in (
                Call(stats_before(now, last, self.memory_pages), before_pass=True),
                Call(stats_after(now, self.memory_pages), before_pass=False),
            )
        ]

    def _end(self) -> int | None:
        """Find the call at which the run itself ended precopy, None where it did not or does not say."""
        if not self.live:
            return None
        last, number = self.live[-1], 2 * len(self.live) - 2
        if last.decision_before is Decision.STOP_AND_COPY:
            return number
        if last.decision_after in {Decision.STOP_AND_COPY, Decision.ABORT}:
            return number + 1
        if self.final is None:
            return None
        return number if self.final.iteration == last.iteration else number + 1


class Hand:
    """The policy that is tried, and the operator's hand on it as recorded.

    Parameters
    ----------
    policy : Policy
        Who answers at first.
    controls : sequence of Control
        What the operator did, each at its call.
    """

    def __init__(self, policy: Policy, controls: Sequence[Control]) -> None:
        self.policy = policy
        self._stopping = self._aborting = False
        self._controls: dict[tuple[int, bool], list[Control]] = {}
        for control in controls:
            self._controls.setdefault((control.iteration, control.before_pass), []).append(control)

    def acts_at(self, number: int, *, before_pass: bool) -> bool:
        """Tell whether the operator did anything at a call."""
        return (number, before_pass) in self._controls

    def overrule(self, number: int, *, before_pass: bool) -> tuple[Decision, StopReason] | None:
        """Do what the operator did at a call, and answer where the policy is not asked any more."""
        for control in self._controls.get((number, before_pass), ()):
            self._stopping |= control.action is Action.STOP_NOW
            self._aborting |= control.action is Action.ABORT
            self.policy = control.policy or self.policy
        if self._aborting:
            return Decision.ABORT, StopReason.ABORTED
        return (Decision.STOP_AND_COPY, StopReason.OPERATOR) if self._stopping else None

    def answer(self, call: Call) -> tuple[Decision, StopReason]:
        """Answer a call, and say why."""
        overruled = self.overrule(call.stats.iteration, before_pass=call.before_pass)
        return overruled or ask(self.policy, call.stats)


def ask(policy: Policy, stats: PrecopyStats) -> tuple[Decision, StopReason]:
    """Ask a policy, and why; `InvalidValueError` where only its settings are known."""
    if isinstance(policy, RecordedPolicy):
        raise InvalidValueError(
            f"The policy {policy.name!r} cannot be replayed: only its settings were recorded, not its rule. "
            "Hand in the policy itself, or another one, for example replay(run, ThresholdPolicy())."
        )
    answer = Decision(policy.decide(stats))
    if answer is Decision.CONTINUE:
        return answer, StopReason.UNKNOWN
    return answer, policy.reason(stats) if isinstance(policy, Reasoned) else StopReason.POLICY
