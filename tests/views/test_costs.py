"""What each run cost."""

import pytest

from xlkit.model import Knowledge, Status
from xlkit.views import costs_rows, plot_costs


def test_rows_hold_what_each_run_cost(two_runs):
    rows = costs_rows(*two_runs)
    assert rows["downtime_s"].tolist() == [0.0025, 0.01]
    assert rows["total_s"].tolist() == [3.0, 2.0]
    assert rows["sent_mib"].tolist() == pytest.approx([66501 / 256, 66736 / 256])


def test_rows_tell_the_last_live_set_from_the_final_one(two_runs):
    rows = costs_rows(*two_runs)
    assert rows["last_live_pages"].tolist() == [40, 900]
    assert rows["final_pages"].tolist() == [25, 300]


def test_rows_are_named_by_what_differs(two_runs):
    assert costs_rows(two_runs)["label"].tolist() == ["min_remaining 50 (measured)", "min_remaining 1,000 (measured)"]


def test_a_bounded_downtime_says_so(make_run):
    assert costs_rows(make_run(knowledge=Knowledge.AT_MOST))["downtime"].tolist() == ["at most 2.5 ms"]


def test_an_aborted_run_has_an_unknown_downtime_and_says_aborted(make_run):
    rows = costs_rows(make_run((65536,), None, status=Status.ABORTED, downtime_s=None))
    assert rows["downtime_s"].isna().all()
    assert rows["downtime"].tolist() == ["unknown"]
    assert "aborted" in rows["label"][0]


def test_the_figure_has_three_panels_from_zero_with_units(two_runs):
    figure = plot_costs(*two_runs)
    titles = [axis.title.text for axis in figure.select_xaxes()]
    assert titles == ["downtime [s]", "total time [s]", "sent [MiB]"]
    assert all(axis.range[0] == 0 for axis in figure.select_xaxes())
    assert len(figure.data) == 6


def test_bars_differ_by_more_than_colour(two_runs):
    first, second = plot_costs(*two_runs).data[:2]
    assert first.marker.pattern.shape != second.marker.pattern.shape


def test_bars_carry_their_numbers(two_runs):
    assert [bar.text[0] for bar in plot_costs(*two_runs).data[:2]] == ["2.5 ms", "10 ms"]


def test_unknown_numbers_draw_no_bar(make_run):
    figure = plot_costs(make_run((65536,), None, status=Status.ABORTED, downtime_s=None))
    assert (figure.data[0].x[0], figure.data[0].text[0]) == (0, "unknown")


def test_no_runs_give_an_empty_table_and_a_sentence():
    assert costs_rows([]).empty
    assert plot_costs([]).layout.annotations[0].text == "No runs to compare."
