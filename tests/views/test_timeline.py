"""What went on when."""

import pytest

from xlkit.model import Knowledge, Status
from xlkit.views import plot_timeline, timeline_rows
from xlkit.views.timeline import AFTER, BEFORE, EVEN, ODD, PAUSED


def test_rows_hold_each_stretch_in_the_order_of_time(make_run):
    rows = timeline_rows(make_run((65536, 900), 40, downtime_s=0.75, ended_s=3.5))
    assert rows["what"].tolist() == [EVEN, ODD, PAUSED, AFTER]
    assert rows["begun_s"].tolist() == [0.0, 1.0, 2.0, 2.75]
    assert rows["duration_s"].tolist() == pytest.approx([0.5, 0.5, 0.75, 0.75])


def test_the_bound_of_the_downtime_is_that_of_the_blackout(make_run):
    rows = timeline_rows(make_run(knowledge=Knowledge.AT_MOST)).set_index("what")
    assert rows.loc[PAUSED, "knowledge"] == "at_most"
    assert "paused at most 2.5 ms" in plot_timeline(make_run(knowledge=Knowledge.AT_MOST)).data[-1].text[0]


def test_a_run_that_was_aborted_has_no_blackout(make_run):
    rows = timeline_rows(make_run((65536,), None, status=Status.ABORTED, downtime_s=None))
    assert rows["what"].tolist() == [EVEN]


def test_passes_of_even_and_odd_numbers_differ_by_their_pattern(make_run):
    bars = {trace.name: trace for trace in plot_timeline(make_run()).data if trace.type == "bar"}
    assert bars[EVEN].marker.color == bars[ODD].marker.color
    assert bars[EVEN].marker.pattern.shape != bars[ODD].marker.pattern.shape


def test_each_stretch_begins_where_it_did(make_run):
    (bar,) = [trace for trace in plot_timeline(make_run()).data if trace.name == ODD]
    assert (list(bar.base), list(bar.x)) == ([1.0], [0.5])


def test_what_lies_before_pass_0_is_drawn(two_runs):
    assert BEFORE not in set(timeline_rows(two_runs)["what"])  # these begin at once


def test_many_runs_are_cut_and_that_is_said(make_run):
    figure = plot_timeline([make_run(run_id=f"r{number}") for number in range(50)])
    assert "the first 40 of 50 runs" in figure.layout.title.text


def test_the_axis_has_its_unit(make_run):
    assert plot_timeline(make_run()).layout.xaxis.title.text == "time since the start of the run [s]"


def test_no_runs_give_a_sentence():
    assert timeline_rows().empty
    assert plot_timeline().layout.annotations[0].text == "No passes to show."
