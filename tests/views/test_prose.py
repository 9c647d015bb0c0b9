"""What happened, in sentences."""

from pathlib import Path

import pytest

from xlkit.logs import read_log
from xlkit.model import Side, Status, StopReason
from xlkit.policies import ThresholdPolicy, from_settings
from xlkit.views.prose import THRESHOLD_NOTE, difference, happened


def test_a_stop_by_min_remaining_says_that_the_pass_was_still_sent_live(make_run):
    told = happened(make_run())
    assert "3 passes went out while the guest ran" in told
    assert "40 pages were dirty before pass 2, fewer than min_remaining (50); that pass was still sent live" in told


def test_the_last_set_is_told_apart_from_the_threshold(make_run):
    assert "Then the guest was suspended, and the last set of 25 pages went out" in happened(make_run())


def test_the_downtime_and_the_side_are_told(make_run):
    assert "The guest stood still for 2.5 ms. It runs on at the destination." in happened(make_run())


def test_a_stop_by_max_iters_names_the_limit(make_run):
    run = make_run(policy=ThresholdPolicy(max_iters=3), stop_reason=StopReason.MAX_ITERS)
    assert "as many passes were done as max_iters allows (3)" in happened(run)


@pytest.mark.parametrize("reason", list(StopReason))
def test_every_reason_gives_a_sentence(make_run, reason):
    assert "Precopy ended because" in happened(make_run(stop_reason=reason))


def test_an_aborted_run_runs_on_at_the_source(make_run):
    told = happened(make_run((65536,), None, status=Status.ABORTED, stop_reason=StopReason.ABORTED, downtime_s=None))
    assert "One pass went out" in told
    assert told.endswith("The guest runs on at the source.")


def test_a_run_that_is_going_on_is_not_told_as_ended(make_run):
    told = happened(make_run((65536,), None, status=Status.RUNNING, downtime_s=None, runs_at=Side.UNKNOWN))
    assert "The run is still going on." in told


def test_equal_memories_are_told(make_run):
    assert "Both memories were proved equal." in happened(make_run(verified=True))
    assert "found different" in happened(make_run(verified=False))


def test_the_message_of_a_failure_is_told(make_run):
    assert happened(make_run(status=Status.FAILED, message="The link broke.")).endswith("The link broke.")


def test_two_runs_are_compared_in_a_sentence(two_runs):
    told = difference(two_runs)
    assert "took 2 s instead of 3 s in total" in told
    assert "let the guest stand still for 10 ms instead of 2.5 ms" in told


def test_nothing_is_compared_when_a_run_was_not_completed(two_runs, make_run):
    assert not difference([two_runs[0], make_run(status=Status.ABORTED)])
    assert not difference([*two_runs, make_run()])


def test_the_note_does_not_call_the_threshold_a_bound_of_the_blackout():
    assert "not the pages that are sent while it stands still" in THRESHOLD_NOTE


LAB = Path(__file__).parents[2] / "data" / "logs" / "xen_lab"


def test_what_a_log_does_not_tell_is_not_told_as_nothing():
    told = happened(read_log(LAB / "helper-pvh.events"))
    assert "3 passes went out while the guest ran, in 28.93 s." in told
    assert " 0 B" not in told
    assert "No live pass" not in happened(read_log(LAB / "stock-migrate-pv.stderr"))


def test_a_rule_that_was_changed_on_the_way_is_told_as_it_then_was():
    run = read_log(LAB / "helper-live-change.events", policy_from=from_settings)
    assert "4,188 pages were dirty before pass 9, fewer than min_remaining (100,000)" in happened(run)
