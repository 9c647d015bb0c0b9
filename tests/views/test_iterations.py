"""Dirty pages of each pass."""

import pandas as pd

from xlkit.model import Knowledge, Origin
from xlkit.policies import DowntimeBudgetPolicy, ThresholdPolicy
from xlkit.views import iterations_rows, plot_iterations
from xlkit.views.template import FINAL_SYMBOL, series_style


def test_rows_hold_a_row_a_pass_with_the_threshold_of_the_policy(make_run):
    rows = iterations_rows(make_run())
    assert rows["iteration"].tolist() == [0, 1, 2, 2]
    assert rows["phase"].tolist() == ["precopy"] * 3 + ["stop_and_copy"]
    assert rows["dirty_pages"].tolist() == [65536, 900, 40, 25]
    assert rows["min_remaining"].tolist() == [50] * 4


def test_one_run_and_many_are_the_same_call(two_runs):
    assert len(iterations_rows(*two_runs)) == len(iterations_rows(two_runs)) == 7
    assert len(iterations_rows(two_runs[0])) == 4


def test_rows_show_the_origin(make_run):
    rows = iterations_rows(make_run(origin=Origin.SIMULATED))
    assert set(rows["origin"]) == {"simulated"}
    assert rows["label"].str.endswith("(simulated)").all()


def test_zero_is_drawn_at_the_lower_edge_and_said(make_run):
    run = make_run((65536, 0), 0)
    assert iterations_rows(run)["drawn_pages"].tolist() == [65536, 0.5, 0.5]
    assert "0 is drawn at the lower edge" in plot_iterations(run).layout.title.text


def test_unknown_stays_unknown_and_is_not_drawn(make_run):
    run = make_run((65536, None), None)
    assert iterations_rows(run)["dirty_pages"].isna().tolist() == [False, True]
    assert list(plot_iterations(run).data[0].y) == [65536, None]


def test_a_policy_with_no_threshold_gets_no_line(make_run):
    run = make_run(policy=DowntimeBudgetPolicy(downtime_s=0.1))
    assert iterations_rows(run)["min_remaining"].isna().all()
    assert not [trace for trace in plot_iterations(run).data if trace.mode == "lines+text"]


def test_the_threshold_is_drawn_where_the_policy_has_it(make_run):
    figure = plot_iterations(make_run(policy=ThresholdPolicy(min_remaining=1234)))
    (line,) = [trace for trace in figure.data if trace.mode == "lines+text"]
    assert list(line.y) == [1234, 1234]
    assert line.text[-1] == "min_remaining 1,234"


def test_the_final_pass_has_a_symbol_of_its_own(make_run):
    live, final = plot_iterations(make_run()).data[:2]
    assert final.marker.symbol == FINAL_SYMBOL != live.marker.symbol
    assert (list(final.x), list(final.y)) == ([2], [25])


def test_runs_differ_by_more_than_colour(two_runs):
    first, second = [trace for trace in plot_iterations(*two_runs).data if trace.mode == "lines+markers"]
    assert first.line.dash != second.line.dash
    assert first.marker.symbol != second.marker.symbol


def test_the_axes_say_unit_and_scale(two_runs):
    layout = plot_iterations(*two_runs).layout
    assert layout.yaxis.type == "log"
    assert layout.yaxis.title.text == "dirty pages [4 KiB], log scale"
    assert layout.xaxis.title.text == "iteration, from 0"


def test_many_runs_have_no_labels_that_would_lie_on_each_other(make_run):
    runs = [make_run(run_id=f"r{n}", policy=ThresholdPolicy(min_remaining=100 + n)) for n in range(6)]
    lines = [trace for trace in plot_iterations(runs).data if trace.mode == "lines+text"]
    assert len(lines) == 6
    assert not any(trace.text[-1] for trace in lines)


def test_no_runs_give_an_empty_table_and_a_sentence():
    rows = iterations_rows()
    assert isinstance(rows, pd.DataFrame)
    assert rows.empty
    assert "drawn_pages" in rows
    assert plot_iterations().layout.annotations[0].text == "No passes to show."


def test_a_run_with_no_passes_is_drawn_as_nothing(make_run):
    assert not plot_iterations(make_run((), None, knowledge=Knowledge.UNKNOWN)).data


def test_a_run_keeps_its_colour_beside_one_that_has_no_passes(make_run):
    figure = plot_iterations(make_run((), None, run_id="a"), make_run(run_id="b"))
    assert figure.data[0].line.color == series_style(1)["line"]["color"]
