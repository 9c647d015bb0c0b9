"""A grid of thresholds equals the loop over its policies, cell for cell."""

from dataclasses import fields, replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records import a_final_pass, a_pass, a_run, a_start, a_stop
from tests.replays.scene import cut_off, guests, orders, policies, record, set_policy
from xlkit import replay, replay_grid
from xlkit.errors import InvalidValueError
from xlkit.model import Run, RunStop, Status, StopReason
from xlkit.policies import RecordedPolicy, ThresholdPolicy
from xlkit.replays import Beyond
from xlkit.switch import Switch

LEAST, MOST = [1, 20, 300, 3_000], [1, 2, 4, 7, 12]
RANGES = ("iteration", "precopy_s", "precopy_bytes", "final_pages")


def row_of(one):
    known = {field.name: getattr(one, field.name) for field in fields(one)}
    policy, beyond = known.pop("policy"), known.pop("beyond")
    for name in RANGES:
        low, high = getattr(beyond, name) if isinstance(beyond, Beyond) else (None, None)
        known |= {f"{name}_low": low, f"{name}_high": high}
    return known | {"min_remaining": policy.min_remaining, "max_iters": policy.max_iters}


def rows_of(table):
    plain = table.astype(object).where(table.notna(), None)
    return plain.to_dict("records")


def one_by_one(runs, **options):
    grid = [ThresholdPolicy(least, most) for least in LEAST for most in MOST]
    return [row_of(replay(run, policy, **options)) for run in runs for policy in grid]


def expect_equal(runs, **options):
    assert rows_of(replay_grid(runs, LEAST, MOST, **options)) == one_by_one(runs, **options)


@settings(max_examples=40)
@given(policies, guests, orders, st.booleans())
def test_a_grid_equals_the_loop_over_its_policies(policy, guest, orders, operator):
    expect_equal([record(policy, guest, orders)], operator=operator)


@settings(max_examples=20)
@given(policies, orders, st.integers(0, 4), st.sampled_from([Status.INCOMPLETE, Status.FAILED]))
def test_it_does_so_for_runs_that_lost_their_end(policy, orders, n_passes, status):
    expect_equal([cut_off(record(policy, orders=orders), n_passes, status)])


def test_it_does_so_for_many_runs_at_once():
    aborted = replace(
        cut_off(record(ThresholdPolicy()), 2), stop=RunStop(status=Status.ABORTED, stop_reason=StopReason.ABORTED)
    )
    expect_equal([record(ThresholdPolicy(1, 4)), a_run(passes=0), aborted, record(ThresholdPolicy(300, 30))])


def test_its_own_policy_gets_the_recorded_end_where_sets_are_not_recorded():
    passes = (a_pass(0), a_pass(1, dirty_pages=None), a_pass(2), a_pass(3), a_final_pass(4))
    run = Run(start=a_start(policy=ThresholdPolicy(1, 4)), iterations=passes, stop=a_stop())
    table = replay_grid(run, LEAST, MOST)
    assert table[~table["censored"] & (table["iteration"] == 4)]["min_remaining"].tolist() == [1]
    expect_equal([run])


def test_rows_come_in_the_order_of_the_grid_with_max_iters_fastest():
    table = replay_grid(a_run(), [50, 500], range(1, 4))
    assert table["min_remaining"].tolist() == [50, 50, 50, 500, 500, 500]
    assert table["max_iters"].tolist() == [1, 2, 3, 1, 2, 3]


def test_without_a_grid_it_is_xen_s_own_rule():
    assert replay_grid(a_run())[["min_remaining", "max_iters"]].to_numpy().tolist() == [[50, 5]]


@pytest.mark.parametrize(("runs", "least"), [([], [50]), (a_run(), [])])
def test_nothing_to_try_is_an_empty_table(runs, least):
    table = replay_grid(runs, least)
    assert (len(table), list(table)) == (0, list(replay_grid(a_run())))
    pd.testing.assert_series_equal(table.dtypes.drop("run_id"), replay_grid(a_run()).dtypes.drop("run_id"))


def test_a_knob_out_of_range_is_refused():
    with pytest.raises(InvalidValueError, match="max_iters must lie between"):
        replay_grid(a_run(), [50], [5, -1])


def test_an_operator_s_unknown_policy_is_refused_only_where_it_is_reached():
    run = record(ThresholdPolicy(1, 6), orders={(3, True): set_policy(ThresholdPolicy(1, 6))})
    run = replace(run, controls=tuple(replace(one, policy=RecordedPolicy("x")) for one in run.controls))
    assert replay_grid(run, [1], [2])["iteration"].tolist() == [2]
    with pytest.raises(InvalidValueError, match="cannot be replayed"):
        replay_grid(run, [1], [4])


def test_an_operator_s_stop_takes_all_that_were_still_going_on():
    table = replay_grid(record(ThresholdPolicy(1, 6), orders={(2, True): Switch.stop_now}), [1], [1, 3, 5])
    assert table["stop_reason"].tolist() == ["max_iters", "operator", "operator"]
