"""A run under its own policy ends as recorded, and under another as a run of its own would have."""

import copy
from dataclasses import replace
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records import a_final_pass, a_pass, a_run, a_start, a_stop
from tests.replays.scene import (
    cut_off,
    final,
    guests,
    live,
    orders,
    policies,
    record,
    set_policy,
    steady_guests,
)
from tests.strategies import runs
from xlkit import replay
from xlkit.errors import InvalidValueError
from xlkit.model import Decision, Knowledge, Run, RunStop, Status, StopReason
from xlkit.policies import LegacyXenPolicy, RecordedPolicy, SusePolicy, ThresholdPolicy, TimeLimitPolicy
from xlkit.store import RunStore
from xlkit.switch import Switch
from xlkit.testing import AnswersInTurn, Witness

PATIENT = ThresholdPolicy(min_remaining=1, max_iters=8)


def expect_the_recorded_end(run):
    own = replay(run, run.start.policy)
    passes = live(run)
    assert (own.stop_reason, own.censored, own.beyond) == (run.stop.stop_reason, False, None)
    assert (own.live_passes, own.precopy_s) == (len(passes), passes[-1].ended_s if passes else 0.0)
    assert (own.saved_s, own.saved_bytes) == (0.0, 0)
    if run.stop.status is Status.ABORTED:
        assert (own.decision, own.final_pages) == (Decision.ABORT, None)
    else:
        assert (own.decision, own.iteration) == (Decision.STOP_AND_COPY, final(run).iteration)
        assert (own.final_pages, own.final_pages_knowledge) == (final(run).dirty_pages, Knowledge.EXACT)


@settings(max_examples=100)
@given(policies, guests, orders)
def test_a_run_under_its_own_policy_ends_as_recorded(policy, guest, orders):
    expect_the_recorded_end(record(policy, guest, orders))


def test_the_policy_is_asked_what_the_recorded_one_was_asked():
    seen, again = Witness(PATIENT), Witness(PATIENT)
    replay(record(seen), again)
    assert len(seen.calls) == 16
    assert again.calls == seen.calls


@settings(max_examples=25)
@given(policies, orders)
def test_it_does_so_after_a_stay_in_the_store(policy, orders):
    run = record(policy, orders=orders)
    assert replay(run, policy) == replay(stored(run), policy)


def stored(run):
    with TemporaryDirectory() as folder:
        store = RunStore(folder)
        store.add(run)
        return store[-1]


@settings(max_examples=100)
@given(policies, policies, steady_guests | guests)
def test_another_policy_ends_where_a_run_of_its_own_does(recorded, other, guest):
    run, truth = record(recorded, guest), record(other, guest)
    tried = replay(run, other)
    if tried.censored:
        assert len(live(truth)) >= len(live(run))
        return
    assert (tried.stop_reason, tried.live_passes) == (truth.stop.stop_reason, len(live(truth)))
    assert tried.precopy_s == live(truth)[-1].ended_s
    assert tried.precopy_bytes == sum(one.sent_bytes for one in live(truth))
    assert tried.saved_s == live(run)[-1].ended_s - tried.precopy_s


@settings(max_examples=100)
@given(policies, policies, steady_guests)
def test_the_set_of_the_blackout_is_bounded_as_said(recorded, other, guest):
    tried, truth = replay(record(recorded, guest), other), record(other, guest)
    if tried.decision is not Decision.STOP_AND_COPY:
        return
    pages = final(truth).dirty_pages
    assert {
        Knowledge.EXACT: pages == tried.final_pages,
        Knowledge.AT_LEAST: pages >= (tried.final_pages or 0) - 1,
        Knowledge.AT_MOST: pages <= (tried.final_pages or 0),
        Knowledge.UNKNOWN: tried.final_pages is None,
    }[tried.final_pages_knowledge]


@settings(max_examples=40)
@given(runs, policies)
def test_no_record_is_too_odd_to_be_replayed(run, policy):
    unable = [one for one in run.controls if isinstance(one.policy, RecordedPolicy)]
    assert replay(run, policy, operator=not unable).run_id == run.run_id


def test_a_stop_before_a_pass_counts_that_pass():
    run = record(PATIENT)
    tried = replay(run, ThresholdPolicy(min_remaining=run.iterations[2].dirty_pages + 1))
    assert (tried.iteration, tried.before_pass, tried.live_passes) == (2, True, 3)
    assert tried.stop_reason is StopReason.MIN_REMAINING


def test_a_stop_after_a_pass_has_the_next_number():
    tried = replay(record(PATIENT), ThresholdPolicy(min_remaining=1, max_iters=2))
    assert (tried.iteration, tried.before_pass, tried.live_passes) == (2, False, 2)
    assert tried.stop_reason is StopReason.MAX_ITERS


def test_what_is_saved_is_what_the_later_passes_took():
    run = record(PATIENT)
    tried = replay(run, ThresholdPolicy(min_remaining=1, max_iters=2))
    assert tried.saved_s == run.iterations[7].ended_s - run.iterations[1].ended_s
    assert tried.saved_bytes == sum(one.sent_bytes for one in run.iterations[2:8])


def test_bytes_that_are_not_recorded_stay_unknown():
    run = record(PATIENT)
    run = replace(run, iterations=tuple(replace(one, sent_bytes=None) for one in run.iterations))
    tried = replay(run, ThresholdPolicy(min_remaining=1, max_iters=2))
    assert (tried.precopy_bytes, tried.saved_bytes) == (None, None)
    assert tried.saved_s > 0


def test_an_abort_by_policy_has_its_own_reason():
    tried = replay(record(PATIENT), TimeLimitPolicy(limit_s=0.01, on_limit=Decision.ABORT))
    assert (tried.decision, tried.stop_reason) == (Decision.ABORT, StopReason.TIME_LIMIT)
    assert (tried.iteration, tried.live_passes, tried.final_pages) == (1, 1, None)


def test_the_next_set_that_was_read_bounds_the_blackout_from_below():
    run = record(PATIENT)
    after, before = (replay(run, ThresholdPolicy(least, most)) for least, most in ((1, 2), (5_000, 9)))
    assert (after.final_pages, after.final_pages_knowledge) == (run.iterations[2].dirty_pages, Knowledge.AT_LEAST)
    assert before.final_pages_knowledge is Knowledge.AT_LEAST
    assert 0 < before.final_pages < run.iterations[1].dirty_pages


def test_at_the_last_pass_the_recorded_blackout_bounds_the_other():
    run = record(PATIENT)
    earlier = replay(run, SusePolicy(min_remaining=1, max_iters=7))
    assert (earlier.iteration, earlier.before_pass) == (7, True)
    assert (earlier.final_pages, earlier.final_pages_knowledge) == (final(run).dirty_pages, Knowledge.AT_MOST)


def test_a_run_that_stopped_before_its_last_pass_still_answers_after_it():
    run = record(SusePolicy(min_remaining=1, max_iters=3))
    tried = replay(run, ThresholdPolicy(min_remaining=1, max_iters=4))
    assert (tried.iteration, tried.before_pass, tried.saved_s) == (4, False, 0.0)
    assert (tried.final_pages, tried.final_pages_knowledge) == (final(run).dirty_pages, Knowledge.AT_LEAST)


def test_a_policy_of_which_only_settings_are_known_is_refused():
    policy = RecordedPolicy("elsewhere", {"knob": 3})
    with pytest.raises(InvalidValueError, match=r"'elsewhere' cannot be replayed.*Hand in the policy itself"):
        replay(record(PATIENT), policy)


def test_a_policy_without_reasons_is_named_the_policy():
    tried = replay(record(PATIENT), AnswersInTurn(Decision.CONTINUE, Decision.STOP_AND_COPY))
    assert (tried.iteration, tried.stop_reason) == (1, StopReason.POLICY)


def test_a_replay_leaves_the_run_as_it_was():
    run = record(PATIENT)
    before = copy.copy(run)
    replay(run, ThresholdPolicy())
    assert run == before


@given(policies, orders, st.integers(0, 8))
def test_a_run_that_lost_its_end_is_censored_unless_its_stop_is_recorded(policy, orders, n_passes):
    whole = record(policy, orders=orders)
    run = cut_off(whole, n_passes)
    own = replay(run, policy)
    if len(live(run)) < len(live(whole)) and own.censored:
        assert (own.decision, own.iteration, own.stop_reason) == (None, None, StopReason.UNKNOWN)
    else:
        assert own.stop_reason is whole.stop.stop_reason


def test_a_failure_ends_every_policy_that_was_still_going_on():
    run = cut_off(record(PATIENT), 3, Status.FAILED)
    own, other = (replay(run, policy) for policy in (PATIENT, ThresholdPolicy(max_iters=30)))
    assert (own.stop_reason, own.censored) == (StopReason.FAILED, True)
    assert (other.stop_reason, other.censored) == (StopReason.FAILED, True)
    assert replay(run, ThresholdPolicy(max_iters=3)).stop_reason is StopReason.MAX_ITERS


def test_a_failure_in_the_blackout_is_the_recorded_end_of_that_stop_only():
    run = cut_off(record(PATIENT), 8, Status.FAILED)
    assert replay(run, PATIENT).stop_reason is StopReason.FAILED
    assert replay(run, PATIENT).censored is False
    assert replay(run, ThresholdPolicy(max_iters=30, min_remaining=1)).stop_reason is StopReason.UNKNOWN


def test_an_operator_s_stop_is_done_again_unless_asked_otherwise():
    run = record(PATIENT, orders={(2, True): Switch.stop_now})
    with_operator, alone = replay(run, PATIENT), replay(run, PATIENT, operator=False)
    assert (with_operator.stop_reason, with_operator.iteration) == (StopReason.OPERATOR, 2)
    assert (alone.censored, alone.decision, alone.stop_reason) == (True, None, StopReason.UNKNOWN)


def test_a_policy_that_stops_earlier_meets_no_operator():
    run = record(PATIENT, orders={(2, True): Switch.abort})
    assert replay(run, ThresholdPolicy(max_iters=1)).stop_reason is StopReason.MAX_ITERS


def test_a_policy_changed_while_the_run_was_going_on_takes_over_at_its_call():
    run = record(PATIENT, orders={(3, False): set_policy(ThresholdPolicy(max_iters=4, min_remaining=1))})
    assert replay(run, PATIENT).iteration == 4
    assert replay(run, ThresholdPolicy(max_iters=20, min_remaining=1)).iteration == 4
    assert replay(run, PATIENT, operator=False).censored


@pytest.mark.parametrize("n_passes", [0, 2])
def test_an_abort_within_a_pass_is_the_operator_s(n_passes):
    stop = RunStop(status=Status.ABORTED, stop_reason=StopReason.ABORTED)
    run = replace(cut_off(record(PATIENT), n_passes), stop=stop)
    tried = replay(run, ThresholdPolicy(max_iters=20))
    assert (tried.decision, tried.stop_reason, tried.iteration) == (Decision.ABORT, StopReason.ABORTED, n_passes)
    assert replay(run, PATIENT, operator=False).censored


def test_an_abort_before_a_pass_by_another_installation_s_policy_is_its_own_only():
    stop = RunStop(status=Status.ABORTED, stop_reason=StopReason.POLICY)
    run = Run(start=a_start(policy=RecordedPolicy("strict")), iterations=(), stop=stop)
    assert replay(run, run.start.policy).stop_reason is StopReason.POLICY
    assert (replay(run, PATIENT).censored, replay(run, PATIENT).beyond) == (True, None)


def test_a_pass_whose_set_is_not_recorded_cannot_be_asked_about():
    passes = (a_pass(0), a_pass(1, dirty_pages=None), a_pass(2), a_final_pass(3))
    run = Run(start=a_start(policy=ThresholdPolicy(max_iters=3)), iterations=passes, stop=a_stop())
    own = replay(run, ThresholdPolicy(max_iters=3))
    assert (own.stop_reason, own.iteration, own.live_passes) == (StopReason.MAX_ITERS, 3, 3)
    assert replay(run, ThresholdPolicy(max_iters=1)).iteration == 1
    assert replay(run, ThresholdPolicy(max_iters=2)).censored


def test_a_run_that_does_not_tell_its_memory_has_the_size_of_pass_0():
    policy = LegacyXenPolicy(min_remaining=1, max_factor=1)
    run = record(policy)
    run = replace(run, start=replace(run.start, setup=replace(run.start.setup, memory_pages=None)))
    assert run.stop.stop_reason is StopReason.MAX_FACTOR
    expect_the_recorded_end(run)


@pytest.mark.parametrize(("run", "policy"), [("latest", PATIENT), (a_run(), "threshold")])
def test_what_is_no_run_or_no_policy_is_refused(run, policy):
    with pytest.raises(InvalidValueError, match=r"needs a recorded Run|must have decide"):
        replay(run, policy)


def test_a_run_without_passes_gives_no_model():
    assert replay(a_run(passes=0), PATIENT).beyond is None
