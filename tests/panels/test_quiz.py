"""Questions and their marks, without any panel."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records import a_run, a_stop
from xlkit.errors import InvalidValueError
from xlkit.model import StopReason
from xlkit.panels.quiz import Guess, ask, mark


def guess(**changes):
    return Guess(**{"stop_reason": StopReason.MAX_ITERS, "live_passes": 1, "downtime_s": 0.25, **changes})


@given(st.integers(0, 10**6))
def test_a_number_always_asks_the_same_question_and_tells_all_of_it(number):
    question = ask(number)
    assert question == ask(number)
    for fact in (f"{question.memory_mib} MiB", f"{question.bandwidth_mbit_s} Mbit/s", str(question.policy.max_iters)):
        assert fact in str(question)


def test_questions_differ():
    assert len({str(ask(number)) for number in range(40)}) > 30


def test_a_prediction_that_came_true_is_right_in_every_part():
    assert [verdict.right for verdict in mark(guess(), a_run())] == [True, True, True]


@pytest.mark.parametrize(("downtime_s", "right"), [(0.126, True), (0.124, False), (0.49, True), (0.51, False)])
def test_a_downtime_is_right_within_a_factor_of_two(downtime_s, right):
    assert mark(guess(downtime_s=downtime_s), a_run())[2].right is right


@pytest.mark.parametrize(("passes", "right"), [(1, True), (2, True), (3, False)])
def test_passes_are_right_within_one(passes, right):
    assert mark(guess(live_passes=passes), a_run())[1].right is right


def test_the_wrong_knob_is_wrong():
    verdict = mark(guess(stop_reason=StopReason.MIN_REMAINING), a_run())[0]
    assert (verdict.guessed, verdict.happened, verdict.right) == ("min_remaining", "max_iters", False)


def test_a_downtime_that_was_not_measured_is_not_marked():
    assert [verdict.what for verdict in mark(guess(), a_run(stop=a_stop(downtime_s=None)))] == [
        "ended by",
        "live passes",
    ]


@pytest.mark.parametrize("change", [{"stop_reason": StopReason.OPERATOR}, {"live_passes": 0}, {"downtime_s": 0.0}])
def test_a_prediction_that_cannot_be_is_refused(change):
    with pytest.raises(InvalidValueError):
        guess(**change)
