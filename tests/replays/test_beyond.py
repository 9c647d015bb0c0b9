"""What may follow after the record: ranges between two courses."""

from itertools import islice
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records import a_pass, a_start, a_stop
from tests.replays.scene import cut_off, final, live, policies, record
from xlkit import SimBackend, replay
from xlkit.engine.workload import HotCold, Uniform
from xlkit.model import Run, StopReason
from xlkit.policies import ThresholdPolicy
from xlkit.replays._course import Courses, bound
from xlkit.replays._record import Record

SHORT = ThresholdPolicy(min_remaining=1, max_iters=3)
LONG = ThresholdPolicy(min_remaining=1, max_iters=8)


def holds(limits, value, slack=1e-9):
    low, high = limits
    return low * (1 - slack) <= value <= (inf if high is None else high) * (1 + slack)


def test_a_range_is_no_point_and_holds_what_a_longer_run_found():
    backend = SimBackend(memory="64MiB", workload=HotCold(rate_pages_s=20_000, hot_pages=2_000))
    beyond, truth = replay(record(SHORT, backend), LONG).beyond, record(LONG, backend)
    assert beyond.iteration == (8, 8)
    assert beyond.precopy_s[0] < live(truth)[-1].ended_s < beyond.precopy_s[1]
    assert beyond.precopy_bytes[0] < sum(one.sent_bytes for one in live(truth)) < beyond.precopy_bytes[1]
    assert beyond.final_pages[0] <= final(truth).dirty_pages <= beyond.final_pages[1]


@pytest.mark.parametrize("rate_pages_s", [500, 5_000, 15_000, 40_000])
@pytest.mark.parametrize("least", [30, 300])
def test_the_ranges_hold_for_a_steady_guest(rate_pages_s, least):
    backend = SimBackend(memory="64MiB", workload=Uniform(rate_pages_s=rate_pages_s))
    policy = ThresholdPolicy(min_remaining=least, max_iters=12)
    tried, truth = replay(record(ThresholdPolicy(1, 2), backend), policy), record(policy, backend)
    if tried.censored:
        assert holds(tried.beyond.iteration, final(truth).iteration)
        assert holds(tried.beyond.precopy_s, live(truth)[-1].ended_s)
        assert truth.stop.stop_reason in tried.beyond.stop_reasons


@given(policies, st.integers(1, 3))
def test_a_range_begins_where_the_record_ends(policy, n_passes):
    run = cut_off(record(LONG), n_passes)
    beyond = replay(run, policy).beyond
    if beyond is not None:
        assert beyond.precopy_s[0] >= run.iterations[-1].ended_s
        assert beyond.precopy_bytes[0] >= sum(one.sent_bytes for one in run.iterations)
        assert beyond.iteration[0] >= n_passes
        assert all(high is None or low <= high for low, high in (beyond.iteration, beyond.precopy_s))


def test_before_any_set_was_read_anything_up_to_the_whole_memory_may_be_dirty():
    beyond = replay(cut_off(record(LONG), 1), LONG).beyond
    assert beyond.stop_reasons == (StopReason.MIN_REMAINING, StopReason.MAX_ITERS)
    assert beyond.final_pages == (0, 4096)


def test_a_course_that_does_not_end_has_no_upper_limit():
    beyond = replay(record(SHORT), ThresholdPolicy(min_remaining=1, max_iters=10**6)).beyond
    assert beyond.iteration[1] is None
    assert beyond.stop_reasons[1] is StopReason.UNKNOWN


def test_the_courses_of_a_run_made_by_hand_are_these():
    run = Run(start=a_start(), iterations=tuple(map(a_pass, range(3))), stop=a_stop())
    courses = Courses(Record(run))
    favourable, unfavourable = ([*islice(courses.steps(favourable=one), 2)] for one in (True, False))
    assert [(one.iteration, one.dirty_pages, one.final_pages) for one in favourable] == [(3, 250, 109), (4, 109, 82)]
    assert [(one.iteration, one.dirty_pages) for one in unfavourable] == [(3, 500), (4, 875)]
    assert (favourable[0].ended_s, unfavourable[0].ended_s) == (3.1875, 4.5)


def test_what_was_observed_bounds_the_shorter_and_the_longer():
    observed = [(1.0, 10.0), (4.0, 20.0)]
    assert [bound(observed, 2.0, favourable=one) for one in (True, False)] == [10.0, 20.0]
    assert [bound(observed, 0.5, favourable=one) for one in (True, False)] == [2.5, 10.0]
    assert [bound(observed, 8.0, favourable=one) for one in (True, False)] == [20.0, 80.0]


def test_observations_that_contradict_each_other_still_give_a_range():
    low, high = (bound([(1.0, 10.0), (2.0, 5.0)], 1.0, favourable=one) for one in (True, False))
    assert (low, high) == (2.5, 10.0)
