"""Recorded runs under a grid of thresholds."""

import pytest

from xlkit.errors import InvalidValueError
from xlkit.policies import ThresholdPolicy
from xlkit.views import plot_policy_map, policy_map_rows


@pytest.fixture
def run(make_run):
    return make_run(
        (65536, 900, 300), 120, policy=ThresholdPolicy(min_remaining=50, max_iters=3), stop_reason="max_iters"
    )


def test_rows_hold_what_each_pair_of_knobs_would_have_left(run):
    rows = policy_map_rows(run, min_remaining=[50, 1000], max_iters=[1, 2, 3]).set_index(["min_remaining", "max_iters"])
    # Whoever stops before pass 1 suspends the guest before the answer after it, when half of the next set was dirty.
    expected = {(50, 1): 900, (50, 2): 300, (50, 3): 120, (1000, 1): 900, (1000, 2): 150, (1000, 3): 150}
    assert rows["value"].to_dict() == expected
    assert rows["censored"].sum() == 0


def test_a_policy_that_would_have_gone_on_has_a_range_and_no_value(run):
    rows = policy_map_rows(run, min_remaining=[50], max_iters=[9])
    assert rows["value"].isna().all()
    assert rows["low"].notna().all()
    assert rows["censored"].tolist() == [1]


def test_of_several_runs_the_median_is_taken_over_those_that_can_answer(make_run, run):
    other = make_run((65536, 500, 200), 80, run_id="b", policy=ThresholdPolicy(max_iters=3), stop_reason="max_iters")
    rows = policy_map_rows(run, other, min_remaining=[1], max_iters=[1, 9])
    assert (rows["runs"].tolist(), rows["value"].iloc[0]) == ([2, 2], 700)


def test_a_censored_cell_has_no_colour_and_shows_its_range(run):
    heat, ranges, _frame = plot_policy_map(run, min_remaining=[50], max_iters=[3, 9]).data
    assert heat.z[1][0] is None
    assert (list(ranges.x), list(ranges.y)) == (["50"], ["9"])
    assert ranges.text[0].startswith("[")


def test_the_recorded_policy_is_framed_and_in_the_grid(run):
    heat, _ranges, frame = plot_policy_map(run, min_remaining=[1000], max_iters=[9]).data
    assert (list(frame.x), list(frame.y)) == (["50"], ["3"])
    assert "50" in heat.x
    assert "3" in heat.y


def test_the_scale_is_said(run):
    assert plot_policy_map(run).data[0].colorbar.title.text.endswith("log scale")
    assert "[s]" in plot_policy_map(run, quantity="precopy_s").data[0].colorbar.title.text


def test_a_quantity_that_there_is_none_of_is_refused(run):
    with pytest.raises(InvalidValueError, match="final_pages"):
        policy_map_rows(run, quantity="beauty")


def test_no_runs_give_a_sentence():
    assert plot_policy_map().layout.annotations[0].text == "No runs to replay."
