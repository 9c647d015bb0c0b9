"""What was expected, and what happened."""

from dataclasses import replace

import pytest

from xlkit.model import Forecast, Range
from xlkit.views import forecast_rows, plot_forecast


@pytest.fixture
def told(make_run):
    """Give a run whose total time came out within its range, and whose downtime did not."""
    expected = Forecast(
        model="curve", level=0.9, passes_known=0, learned_from=("a", "b"),
        total_s=Range(low=2.0, likely=2.5, high=3.5), downtime_s=Range(low=0.001, likely=0.0015, high=0.002),
    )  # fmt: skip
    run = make_run(downtime_s=0.003)
    return replace(run, start=replace(run.start, forecast=expected))


def test_rows_hold_range_and_outcome_as_multiples_of_what_was_likely(told):
    rows = forecast_rows(told).set_index("quantity")
    assert rows.loc["total_s", "outcome_share"] == pytest.approx(1.2)
    assert rows.loc["downtime_s", "high_share"] == pytest.approx(2 / 1.5)
    assert rows["within"].tolist() == [True, False]


def test_hits_and_misses_have_symbols_of_their_own(told):
    marks = {trace.name: trace for trace in plot_forecast(told).data if trace.type == "scatter"}
    assert marks["came out within it"].marker.symbol == "circle"
    assert marks["came out beyond it"].marker.symbol == "x"
    assert "3 ms, expected 1 ms to 2 ms" in marks["came out beyond it"].customdata[0]


def test_a_run_without_a_forecast_says_so(make_run):
    assert forecast_rows(make_run()).empty
    assert "None of these runs has a forecast" in plot_forecast(make_run()).layout.annotations[0].text


def test_rows_are_named_by_quantity_and_origin(told):
    assert forecast_rows(told)["row"].str.endswith("(measured)").all()


def test_very_many_runs_are_cut_and_that_is_said(told):
    runs = [replace(told, start=replace(told.start, run_id=f"r{number}")) for number in range(30)]
    assert "the first 20 of 30 runs" in plot_forecast(runs).layout.title.text
