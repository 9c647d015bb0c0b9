"""Dirty rate against bandwidth."""

import pytest

from xlkit.views import convergence_rows, plot_convergence

PAGE_MIB = 4096 / 2**20


def test_rows_hold_both_rates_of_each_pass_but_the_first(make_run):
    rows = convergence_rows(make_run((65536, 900), 40))
    assert rows["iteration"].tolist() == [1, 1]
    assert rows["throughput_mib_s"].tolist() == pytest.approx([900 * PAGE_MIB / 0.5, 40 * PAGE_MIB / 0.5])
    assert rows["dirty_rate_mib_s"].tolist() == pytest.approx([900 * PAGE_MIB, 40 * PAGE_MIB])


def test_a_pass_whose_set_is_not_known_is_left_out(make_run):
    assert convergence_rows(make_run((65536, None, 40), None))["iteration"].tolist() == [2]


def test_the_line_of_equal_rates_is_drawn_from_zero(make_run):
    line = plot_convergence(make_run()).data[0]
    assert list(line.x) == list(line.y)
    assert line.x[0] == 0


def test_of_many_runs_some_are_named(make_run):
    figure = plot_convergence([make_run(run_id=f"r{number:03}") for number in range(100)])
    assert len(figure.data) < 8
    assert any("the other runs" in trace.name for trace in figure.data)


def test_the_axes_have_units(make_run):
    layout = plot_convergence(make_run()).layout
    assert layout.xaxis.title.text == "bandwidth of the pass [MiB/s]"
    assert layout.yaxis.title.text == "dirty rate [MiB/s]"


def test_no_runs_give_a_sentence():
    assert convergence_rows().empty
    assert plot_convergence().layout.annotations[0].text.startswith("No pass")
