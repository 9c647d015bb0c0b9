"""The operator's hand: what is asked holds from the next call on, whichever thread asks."""

import threading
import time
from collections.abc import Callable

import pytest

from xlkit.model import Action, Decision, PrecopyStats, StopReason
from xlkit.policies import ThresholdPolicy
from xlkit.protocols import Interruptible, Policy, Reasoned
from xlkit.switch import Switch
from xlkit.testing import AnswersInTurn

CONTINUE, STOP, ABORT = Decision.CONTINUE, Decision.STOP_AND_COPY, Decision.ABORT
BEFORE = PrecopyStats(iteration=1, dirty_pages=1000, total_written_pages=4096)
AFTER = PrecopyStats(iteration=2, dirty_pages=None, total_written_pages=5096)


def patient() -> ThresholdPolicy:
    return ThresholdPolicy(min_remaining=1, max_iters=100)


def test_it_is_a_policy_that_can_name_reasons_and_be_interrupted() -> None:
    switch = Switch(patient())
    assert isinstance(switch, Policy)
    assert isinstance(switch, Reasoned)
    assert isinstance(switch, Interruptible)


def test_left_alone_it_answers_as_its_policy_does() -> None:
    switch = Switch(ThresholdPolicy(min_remaining=50, max_iters=2))
    assert [switch.decide(one) for one in (BEFORE, AFTER)] == [CONTINUE, STOP]
    assert switch.reason(AFTER) is StopReason.MAX_ITERS
    assert switch.taken_up() == []


def test_a_stop_holds_from_the_next_call_on() -> None:
    switch = Switch(patient())
    assert switch.decide(BEFORE) is CONTINUE
    switch.stop_now()
    assert [switch.decide(one) for one in (AFTER, BEFORE)] == [STOP, STOP]
    assert switch.reason(AFTER) is StopReason.OPERATOR


def test_an_abort_is_known_before_the_next_call() -> None:
    switch = Switch(patient())
    assert not switch.abort_requested()
    switch.abort()
    assert switch.abort_requested()
    assert switch.decide(BEFORE) is ABORT
    assert switch.abort_requested()
    assert switch.reason(BEFORE) is StopReason.ABORTED


@pytest.mark.parametrize("later", [Switch.stop_now, lambda switch: switch.set_policy(patient())])
@pytest.mark.parametrize("n_calls", [0, 1])
def test_nothing_takes_an_abort_back(later: Callable[[Switch], None], n_calls: int) -> None:
    switch = Switch(patient())
    switch.abort()
    for _ in range(n_calls):
        switch.decide(BEFORE)
    later(switch)
    assert switch.decide(AFTER) is ABORT


def test_a_stop_gives_way_to_an_abort() -> None:
    switch = Switch(patient())
    switch.stop_now()
    switch.abort()
    assert switch.decide(BEFORE) is ABORT


def test_a_stop_does_not_give_way_to_another_policy() -> None:
    switch = Switch(patient())
    switch.stop_now()
    switch.set_policy(patient())
    assert switch.decide(BEFORE) is STOP


def test_another_policy_answers_from_the_next_call_on() -> None:
    switch, stricter = Switch(patient()), ThresholdPolicy(min_remaining=2000)
    switch.set_policy(stricter)
    assert switch.policy is stricter
    assert switch.decide(BEFORE) is STOP
    assert switch.reason(BEFORE) is StopReason.MIN_REMAINING
    assert switch.policy is stricter


def test_of_two_policies_the_last_one_holds() -> None:
    switch = Switch(patient())
    switch.set_policy(ThresholdPolicy(min_remaining=2000))
    switch.set_policy(patient())
    assert switch.policy == patient()
    assert switch.decide(BEFORE) is CONTINUE


def test_a_policy_without_reasons_is_named_the_policy() -> None:
    assert Switch(AnswersInTurn()).reason(BEFORE) is StopReason.POLICY


def test_what_is_taken_up_is_told_once_and_in_order() -> None:
    switch, other = Switch(patient()), ThresholdPolicy(max_iters=9)
    switch.set_policy(other)
    switch.stop_now()
    switch.decide(AFTER)
    taken_up = switch.taken_up()
    assert [(one.action, one.policy) for one in taken_up] == [(Action.SET_POLICY, other), (Action.STOP_NOW, None)]
    assert switch.taken_up() == []


@pytest.mark.parametrize("stats", [BEFORE, AFTER])
def test_the_record_says_which_call_obeyed(stats: PrecopyStats) -> None:
    switch = Switch(patient())
    switch.stop_now()
    switch.decide(stats)
    (control,) = switch.taken_up()
    assert (control.iteration, control.before_pass) == (stats.iteration, stats is BEFORE)


def test_the_latency_goes_from_asking_to_the_call_that_obeyed() -> None:
    switch = Switch(patient())
    moments_s = [time.monotonic()]
    switch.stop_now()
    moments_s.append(time.monotonic())
    while time.monotonic() < moments_s[1] + 0.01:
        pass
    moments_s.append(time.monotonic())
    switch.decide(BEFORE)
    moments_s.append(time.monotonic())
    (control,) = switch.taken_up()
    assert moments_s[2] - moments_s[1] <= control.latency_s <= moments_s[3] - moments_s[0]


def test_orders_of_many_threads_are_all_taken_up() -> None:
    switch, start = Switch(patient()), threading.Barrier(9)

    def order() -> None:
        start.wait(5)
        for number in range(1, 51):
            switch.set_policy(ThresholdPolicy(min_remaining=1, max_iters=1000 + number))

    threads = [threading.Thread(target=order) for _ in range(8)]
    for thread in threads:
        thread.start()
    start.wait(5)
    while any(thread.is_alive() for thread in threads):
        assert switch.decide(BEFORE) is CONTINUE
    for thread in threads:
        thread.join()
    switch.decide(BEFORE)
    assert len(switch.taken_up()) == 8 * 50
