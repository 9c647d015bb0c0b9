"""Downtime against total time."""

import pytest

from xlkit.model import Status
from xlkit.policies import ThresholdPolicy
from xlkit.views import plot_tradeoff, tradeoff_rows


@pytest.fixture
def settings(make_run):
    """Make three repetitions each of a quick, a patient and a bad setting."""
    costs = {5: (1.0, 0.5), 10: (2.0, 0.1), 20: (3.0, 0.2)}
    return [
        make_run(run_id=f"m{most}r{number}", policy=ThresholdPolicy(max_iters=most),
                 ended_s=total_s + number / 100, downtime_s=downtime_s + number / 1000)
        for most, (total_s, downtime_s) in costs.items()
        for number in range(3)
    ]  # fmt: skip


def test_rows_hold_a_row_a_setting_with_its_medians(settings):
    rows = tradeoff_rows(settings)
    assert rows["runs"].tolist() == [3, 3, 3]
    assert rows["median_total_s"].tolist() == pytest.approx([1.01, 2.01, 3.01])
    assert rows["median_downtime_s"].tolist() == pytest.approx([0.501, 0.101, 0.201])


def test_a_setting_that_another_one_beats_in_both_is_off_the_front(settings):
    assert tradeoff_rows(settings)["on_front"].tolist() == [True, True, False]


def test_the_front_is_drawn_as_a_step_through_its_settings(settings):
    line = plot_tradeoff(settings).data[0]
    assert (line.line.shape, len(line.x)) == ("hv", 2)


def test_repetitions_are_drawn_with_their_interval(settings):
    point = plot_tradeoff(settings).data[1]
    assert point.error_y.array[0] == pytest.approx(0.001)
    assert "open" not in point.marker.symbol
    assert point.name.endswith("(measured), 3 runs")


def test_a_single_run_is_an_open_symbol_without_an_interval(make_run):
    point = plot_tradeoff(make_run()).data[0]
    assert point.marker.symbol.endswith("-open")
    assert point.error_y.array is None


def test_runs_without_an_end_are_left_out(make_run):
    assert tradeoff_rows(make_run(status=Status.ABORTED, downtime_s=None)).empty


def test_the_downtime_begins_at_zero_and_both_axes_have_units(settings):
    layout = plot_tradeoff(settings).layout
    assert (layout.xaxis.title.text, layout.yaxis.title.text) == ("total time [s]", "downtime [s]")
    assert layout.yaxis.rangemode == "tozero"


def test_no_runs_give_a_sentence():
    assert "No completed run" in plot_tradeoff().layout.annotations[0].text
