"""The calls of a policy: scripted, witnessed, and read back from a record."""

from collections.abc import Iterable
from itertools import pairwise

from xlkit.calls import stats_after, stats_before
from xlkit.model import Decision, Iteration, Phase, PrecopyStats, StopReason
from xlkit.protocols import Policy, Reasoned

Call = tuple[PrecopyStats, Decision]


class AnswersInTurn:
    """Give prepared answers, one a call, then go on for ever.

    Parameters
    ----------
    *answers : Decision or Exception
        What each call gets; an exception is raised.

    Examples
    --------
    >>> policy = AnswersInTurn(Decision.CONTINUE, Decision.ABORT)
    >>> stats = PrecopyStats(iteration=0, dirty_pages=64, total_written_pages=0)
    >>> [policy.decide(stats).value for _ in range(3)]
    ['continue', 'abort', 'continue']
    """

    name = "answers_in_turn"

    def __init__(self, *answers: Decision | Exception) -> None:
        self._answers = list(answers)

    def decide(self, stats: PrecopyStats) -> Decision:  # noqa: ARG002 - the protocol's signature
        """Give the next answer."""
        answer = self._answers.pop(0) if self._answers else Decision.CONTINUE
        if isinstance(answer, Exception):
            raise answer
        return answer


class Witness:
    """Pass each call on to another policy, and remember it.

    Parameters
    ----------
    policy : Policy
        Who answers.

    Attributes
    ----------
    calls : list of tuple
        What was shown and what was answered, in order.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.name = getattr(policy, "name", type(policy).__name__)
        self.calls: list[Call] = []

    def decide(self, stats: PrecopyStats) -> Decision:
        """Let the other policy answer."""
        answer = self._policy.decide(stats)
        self.calls.append((stats, answer))
        return answer

    def reason(self, stats: PrecopyStats) -> StopReason:
        """Let the other policy name its rule, where it can."""
        return self._policy.reason(stats) if isinstance(self._policy, Reasoned) else StopReason.POLICY


def recorded_calls(iterations: Iterable[Iteration], memory_pages: int | None) -> list[Call]:
    """Read back from the passes of a run what its policy was shown and what it answered.

    Parameters
    ----------
    iterations : iterable of Iteration
        The passes of one run, in order.
    memory_pages : int or None
        Size of the guest, as the run recorded it [page of 4096 B].

    Returns
    -------
    list of tuple
        `PrecopyStats` and `Decision` of each call; a call that aborted before a pass left no pass and is missing.
    """
    live = [one for one in iterations if one.phase is Phase.PRECOPY]
    return [call for last, now in pairwise((None, *live)) if now for call in _calls_of(last, now, memory_pages)]


def _calls_of(last: Iteration | None, now: Iteration, memory_pages: int | None) -> list[Call]:
    answers = (
        (stats_before(now, last, memory_pages), now.decision_before),
        (stats_after(now, memory_pages), now.decision_after),
    )
    return [(stats, answer) for stats, answer in answers if answer is not None]
