import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records import a_final_pass, a_pass, a_run, a_start, a_stop
from xlkit.curves import DirtyCurve, Observed, fit_curve, observed, resampled_curves
from xlkit.errors import InvalidValueError
from xlkit.model import Phase, Run

HOT = DirtyCurve(sets_pages=(1000.0,), times_s=(0.1,), rate_pages_s=0.0, memory_pages=65_536)


def seen(curve: DirtyCurve, windows: list[float]) -> list[Observed]:
    return [
        Observed(
            run_id="a",
            iteration=k,
            phase=Phase.PRECOPY,
            window_s=window,
            dirty_pages=round(float(curve.pages(window))),
            ended_s=0.0,
        )
        for k, window in enumerate(windows)
    ]


def test_the_set_of_each_pass_but_the_first_is_observed_over_the_time_since_the_last_collection():
    passes = (a_pass(0), a_pass(1, begun_s=1.5, collect_s=0.25), a_final_pass(2, begun_s=2.0))
    run = Run(start=a_start(), iterations=passes, stop=a_stop())
    assert [(one.window_s, one.dirty_pages, one.phase) for one in observed(run)] == [
        (1.25, 500, "precopy"),
        (0.75, 250, "stop_and_copy"),
    ]


def test_a_set_that_is_not_known_is_no_observation():
    assert observed(Run(start=a_start(), iterations=(a_pass(0), a_pass(1, dirty_pages=None)), stop=a_stop())) == []


def test_many_runs_are_observed_one_after_the_other():
    assert {one.run_id for one in observed([a_run("a"), a_run("b")])} == {"a", "b"}


def test_a_fit_gives_back_the_curve_that_was_observed_between_the_windows_too():
    fit = fit_curve(seen(HOT, [2.0, 0.5, 0.1, 0.05, 0.02, 0.01]), memory_pages=65_536)
    between = np.array([1.0, 0.2, 0.03])
    assert fit.pages(between) == pytest.approx(HOT.pages(between), rel=0.05)
    assert fit.scatter < 0.01


@given(st.lists(st.tuples(st.floats(0.001, 100.0), st.integers(0, 10**6)), min_size=1, max_size=12))
def test_a_fitted_curve_begins_at_nothing_and_grows_ever_more_slowly(points: list[tuple[float, int]]):
    some = [
        Observed(run_id="a", iteration=1, phase=Phase.PRECOPY, window_s=w, dirty_pages=pages, ended_s=0.0)
        for w, pages in points
    ]
    pages = fit_curve(some).pages(np.linspace(0, 200, 50))
    steps = np.diff(pages)
    slack = 1e-6 * (1 + pages.max())
    assert pages[0] == 0
    assert (steps >= -slack).all()
    assert (np.diff(steps) <= slack).all()


def test_no_window_dirties_more_than_the_memory():
    assert float(fit_curve(seen(HOT, [1.0]), memory_pages=500).pages(50.0)) == 500


def test_the_floor_is_where_a_pass_dirties_what_it_sends():
    floor = HOT.floor_pages(20e6)
    assert float(HOT.pages(floor * 4096 / 20e6)) == pytest.approx(floor, rel=1e-6)
    assert 0 < floor < 1000


def test_a_guest_that_writes_more_slowly_than_the_link_sends_comes_down_to_nothing():
    assert HOT.floor_pages(100e6) < 2


def test_a_guest_that_always_writes_faster_keeps_its_whole_memory_dirty():
    endless = DirtyCurve(sets_pages=(), times_s=(), rate_pages_s=1e5)
    assert endless.floor_pages(1e6) == math.inf


def test_what_a_pass_takes_beside_its_pages_raises_the_floor():
    assert HOT.floor_pages(100e6, pass_s=0.01) > 90


def test_a_fit_of_nothing_says_what_it_needs():
    with pytest.raises(InvalidValueError, match="at least two passes"):
        fit_curve([])


def test_one_outlier_does_not_draw_the_curve_to_itself():
    some = seen(HOT, [2.0, 1.0, 0.5, 0.1, 0.05, 0.02, 0.01])
    off = Observed(run_id="a", iteration=9, phase=Phase.PRECOPY, window_s=0.2, dirty_pages=20, ended_s=0.0)
    fit = fit_curve([*some, off])
    assert float(fit.pages(0.2)) == pytest.approx(float(HOT.pages(0.2)), rel=0.1)


def test_a_set_that_is_swept_through_bends_as_sharply_as_it_was_seen_to():
    sweep = DirtyCurve(sets_pages=(), times_s=(), rate_pages_s=0.0, swept_pages=(1000.0,), swept_times_s=(0.1,))
    fit = fit_curve(seen(sweep, [0.01, 0.02, 0.05, 0.08, 0.12, 0.2, 0.5, 1.0]))
    assert fit.pages([0.06, 0.3]) == pytest.approx([600, 1000], rel=0.05)


def test_resampled_curves_agree_where_sets_were_seen_and_differ_where_none_were():
    drawn = resampled_curves(seen(HOT, [0.1, 0.2]), 60, memory_pages=65_536)
    at = np.array([one.pages([0.1, 0.001]) for one in drawn])
    near, far = np.std(np.log(at), axis=0)
    assert near < 0.1 < far


def test_resampled_curves_are_the_same_for_the_same_seed():
    some = seen(HOT, [0.1, 0.2])
    assert resampled_curves(some, 3, seed=5) == resampled_curves(some, 3, seed=5)
    assert resampled_curves(some, 3, seed=5) != resampled_curves(some, 3, seed=6)
