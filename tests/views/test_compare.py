"""Runs over one another."""

from dataclasses import replace

import pytest

from xlkit.errors import InvalidValueError
from xlkit.model import Setup
from xlkit.views import compare_rows, plot_compare
from xlkit.views.crowd import MOST_NAMED


def many(make_run, count):
    return [make_run(run_id=f"r{number:04}", downtime_s=0.001 * (number * 7 % 50 + 1)) for number in range(count)]


def test_rows_are_placed_by_iteration_by_time_or_by_bytes_sent(make_run):
    run = make_run((65536, 900), 40)
    assert compare_rows(run)["x"].tolist() == [0, 1, 1]
    assert compare_rows(run, align="time")["x"].tolist() == [0.0, 1.0, 2.0]
    assert compare_rows(run, align="bytes")["x"].tolist() == [0.0, 256.0, 256.0 + 900 / 256]


def test_bytes_begin_anew_with_each_run(two_runs):
    rows = compare_rows(two_runs, align="bytes")
    assert rows.groupby("run_id", sort=False)["x"].first().tolist() == [0.0, 0.0]


def test_a_place_that_is_not_known_stays_unknown(make_run):
    run = make_run((65536, None), 40)
    assert compare_rows(run, align="bytes")["x"].isna().tolist() == [False, False, True]


def test_a_table_of_frames_is_drawn_as_the_memory_that_it_is(make_run):
    run = make_run((1_044_480, 900), 40)
    setup = run.start.setup
    small = Setup(settings={}, applied=setup.applied, origin=setup.origin, clock=setup.clock, memory_pages=24_576)
    rows = compare_rows(replace(run, start=replace(run.start, setup=small)))
    assert rows["dirty_pages"].tolist() == [24_576, 900, 40]


def test_a_dozen_runs_are_named_each(make_run):
    figure = plot_compare(many(make_run, MOST_NAMED))
    assert sum(trace.mode == "lines+markers" for trace in figure.data) == MOST_NAMED


def test_of_a_crowd_the_runs_that_stand_out_are_named(make_run):
    figure = plot_compare(many(make_run, 200))
    crowd, *named, _key = figure.data
    assert [trace.name.partition(": ")[2] for trace in named] == [
        "shortest downtime", "median downtime", "longest downtime", "the latest",
    ]  # fmt: skip
    assert crowd.name == "the other runs (196)"
    assert len(figure.data) < 8


def test_the_crowd_is_one_line_for_each_run_with_gaps_between_them(make_run):
    crowd = plot_compare(many(make_run, 20)).data[0]
    assert sum(value is None for value in crowd.y) == 20 - 4


def test_a_huge_crowd_is_thinned_and_says_so(make_run, monkeypatch):
    monkeypatch.setattr("xlkit.views.crowd.MOST_POINTS", 100)
    crowd = plot_compare(many(make_run, 104)).data[0]
    assert crowd.name == "the other runs (100, 25 of 100 drawn)"


def test_the_axes_say_what_is_drawn(two_runs):
    layout = plot_compare(*two_runs, align="time").layout
    assert layout.xaxis.title.text == "time since the start of the run [s]"
    assert layout.yaxis.title.text == "dirty pages [4 KiB], log scale"


def test_no_runs_give_a_sentence():
    assert compare_rows().empty
    assert plot_compare().layout.annotations[0].text == "No passes to show."


def test_an_alignment_that_there_is_none_of_is_refused(make_run):
    with pytest.raises(InvalidValueError, match="iteration, time, bytes"):
        compare_rows(make_run(), align="size")
