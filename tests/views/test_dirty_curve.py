"""Distinct pages dirtied against the window."""

import pytest

from xlkit.backends.sim import SimBackend
from xlkit.engine.workload import HotCold
from xlkit.model import Migration
from xlkit.policies import ThresholdPolicy
from xlkit.runner import run
from xlkit.views import dirty_curve_rows, plot_dirty_curve


@pytest.fixture
def busy():
    """Migrate a guest that writes faster than its link sends."""
    guest = SimBackend(memory="64MiB", bandwidth="500Mbit/s", workload=HotCold(rate_pages_s=60_000, hot_pages=2_000))
    return run(Migration("busy"), ThresholdPolicy(max_iters=8), guest)


def parts(rows):
    return {what: rows[rows["what"] == what] for what in rows["what"].unique()}


def test_rows_hold_what_was_seen_the_curve_and_the_link(busy):
    found = parts(dirty_curve_rows(busy))
    assert found["seen"]["pages"].tolist() == [one.dirty_pages for one in busy.iterations[1:]]
    assert found["curve"]["pages"].is_monotonic_increasing
    link = found["link"]
    assert (link["pages"] / link["window_s"]).iloc[0] == pytest.approx(500e6 / 8 / 4096, rel=0.02)


def test_the_floor_is_where_curve_and_link_cross_and_where_the_passes_ended_up(busy):
    (floor,) = parts(dirty_curve_rows(busy))["floor"]["pages"].tolist()
    assert floor == pytest.approx(busy.iterations[-1].dirty_pages, rel=0.05)
    assert any(f"floor {floor:,.0f} pages" in trace.text for trace in plot_dirty_curve(busy).data if trace.text)


def test_a_guest_that_converges_has_no_floor(make_run):
    assert "floor" not in parts(dirty_curve_rows(make_run((65536, 900, 40), 5)))


def test_runs_of_one_guest_share_a_curve_and_others_have_their_own(busy, make_run):
    rows = dirty_curve_rows(make_run(run_id="a"), make_run(run_id="b"), busy)
    assert rows["guest"].nunique() == 2


def test_the_axes_say_unit_and_scale(busy):
    layout = plot_dirty_curve(busy).layout
    assert layout.xaxis.title.text == "window [s], log scale"
    assert layout.yaxis.title.text == "distinct pages dirtied [4 KiB], log scale"


def test_the_link_is_named_with_its_bandwidth(busy):
    names = [trace.name for trace in plot_dirty_curve(busy).data if trace.name]
    assert any("the link, 59" in name for name in names)


def test_no_sets_after_pass_0_give_a_sentence(make_run):
    assert dirty_curve_rows(make_run((65536,), None)).empty
    assert plot_dirty_curve().layout.annotations[0].text == "No set was read after pass 0."
