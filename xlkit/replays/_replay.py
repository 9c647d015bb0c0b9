"""One run under another policy."""

from typing import Any

from xlkit.errors import InvalidValueError
from xlkit.model import Decision, Run, Status
from xlkit.policies import to_settings
from xlkit.protocols import Policy
from xlkit.replays._course import Courses
from xlkit.replays._outcome import Replay, censored, ended
from xlkit.replays._record import Hand, Record


def replay(run: Run, policy: Policy, *, operator: bool = True) -> Replay:
    """Tell at which iteration another policy would have ended the precopy of a recorded run.

    Until it stops, a policy does not change what happens. So the policy is asked again what the recorded one was asked,
    call by call; whatever it ends there is exact. Where it would have gone on past the end of the record, the answer is
    *censored*, and a modelled range tells what may have followed.

    Parameters
    ----------
    run : Run
        What was recorded; measured, simulated or imported.
    policy : Policy
        What to try. The run's own, ``run.start.policy``, gives the recorded end.
    operator : bool, default True
        Whether the operator does again what is recorded: stop, abort, and another policy from that call on. False asks
        about `policy` alone.

    Returns
    -------
    Replay
        Where precopy ends, why, and what is saved; nothing of it is stored.

    Raises
    ------
    InvalidValueError
        If an argument is of the wrong kind, or the policy cannot decide because only its settings were recorded.

    See Also
    --------
    replay_grid : A whole grid of thresholds at once.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from xlkit.model import Applied, Iteration, Migration, Origin, Phase, RunStart, RunStop, Setup, StopReason
    >>> from xlkit.policies import ThresholdPolicy
    >>> setup = Setup(settings={}, applied=Applied.UNKNOWN, origin=Origin.IMPORTED, clock="log")
    >>> start = RunStart(
    ...     run_id="a",
    ...     migration=Migration("guest"),
    ...     backend="xl",
    ...     policy=ThresholdPolicy(),
    ...     setup=setup,
    ...     started_at=datetime(2026, 1, 1, tzinfo=UTC),
    ... )
    >>> passes = [
    ...     Iteration(
    ...         iteration=k,
    ...         phase=Phase.PRECOPY,
    ...         dirty_pages=pages,
    ...         total_written_pages=0,
    ...         sent_pages=pages,
    ...         sent_bytes=4096 * pages,
    ...         begun_s=k,
    ...         ended_s=k + 0.5,
    ...         decision_before=None,
    ...         decision_after=None,
    ...     )
    ...     for k, pages in enumerate([262144, 8000, 900, 40])
    ... ]
    >>> stop = RunStop(status=Status.COMPLETED, stop_reason=StopReason.MIN_REMAINING)
    >>> other = replay(Run(start=start, iterations=tuple(passes), stop=stop), ThresholdPolicy(min_remaining=1000))
    >>> other.stop_reason.value, other.iteration, other.saved_s, other.saved_bytes
    ('min_remaining', 2, 1.0, 163840)
    """
    if not isinstance(policy, Policy):
        raise InvalidValueError(f"policy must have decide(stats), as ThresholdPolicy() has, not {policy!r}.")
    record = Record(run)
    hand = Hand(policy, run.controls if operator else ())
    return follow(record, policy, hand, operator=operator) or censored(
        record, policy, Courses(record).beyond(hand.policy) if record.answerable else None
    )


def follow(record: Record, policy: Any, hand: Hand, *, operator: bool) -> Replay | None:
    """Ask again, call by call, until precopy ends; None where the record ends first."""
    for number, call in enumerate(record.calls()):
        answer, reason = hand.answer(call)
        if answer is not Decision.CONTINUE:
            return ended(record, policy, number, answer, reason, operator=operator)
    number = 2 * len(record.answerable)
    overruled = hand.overrule(record.next_number, before_pass=True)
    if overruled is not None:
        return ended(record, policy, number, *overruled, operator=operator)
    return _recorded_end(record, policy, number, operator=operator)


def _recorded_end(record: Record, policy: Any, number: int, *, operator: bool) -> Replay | None:
    """Take the recorded end where it holds although the call, or what was shown at it, is not recorded."""
    stop = record.run.stop
    unseen = record.whole and record.end is None
    own = (operator or not record.run.controls) and to_settings(policy) == to_settings(record.run.start.policy)
    # An abort within a pass or before one leaves no call; an operator's concerns whichever policy was still going on.
    concerned = operator if record.given_up else own
    if unseen and stop.status is Status.ABORTED and concerned:
        return ended(record, policy, number, Decision.ABORT, stop.stop_reason, operator=operator)
    if own and record.end is not None and record.end >= number:
        aborted = record.end % 2 == 1 and record.live[-1].decision_after is Decision.ABORT
        answer = Decision.ABORT if aborted else Decision.STOP_AND_COPY
        return ended(record, policy, record.end, answer, stop.stop_reason, operator=operator)
    return None
