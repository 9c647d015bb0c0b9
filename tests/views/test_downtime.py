"""Where the downtime went."""

from dataclasses import replace

import pytest

from xlkit.model import DowntimePart, Knowledge
from xlkit.views import downtime_rows, plot_downtime

SUSPEND = DowntimePart(name="suspend", duration_s=0.002, knowledge=Knowledge.EXACT, clock="source")
COPY = DowntimePart(name="copy", duration_s=0.003, knowledge=Knowledge.AT_MOST, clock="source")
UNSEEN = DowntimePart(name="resume", duration_s=None, knowledge=Knowledge.UNKNOWN, clock="source")
GAP = DowntimePart(name="heartbeat gap", duration_s=0.006, knowledge=Knowledge.AT_MOST, clock="watcher")


@pytest.fixture
def run(make_run):
    made = make_run(downtime_s=0.005)
    return replace(made, stop=replace(made.stop, downtime=(SUSPEND, COPY, UNSEEN, GAP)))


def test_rows_hold_each_part_with_its_bound_and_its_clock(run):
    rows = downtime_rows(run)
    assert rows["part"].tolist() == ["suspend", "copy", "resume", "heartbeat gap"]
    assert rows["text"].tolist() == ["2 ms", "≤ 3 ms", "unknown", "≤ 6 ms"]
    assert rows["clock"].tolist() == ["source"] * 3 + ["watcher"]


def test_the_parts_lie_end_to_end_and_what_was_seen_from_outside_lies_beside_them(run):
    bars = {trace.name: trace for trace in plot_downtime(run).data if trace.type == "bar"}
    assert {bars[name].offsetgroup for name in ("suspend", "copy")} == {"host"}
    assert bars["heartbeat gap (seen from outside)"].offsetgroup == "outside"
    assert plot_downtime(run).layout.barmode == "stack"


def test_the_durations_are_written_beside_the_bar(run):
    (texts,) = [trace for trace in plot_downtime(run).data if trace.type == "scatter"]
    assert texts.text[0].strip() == "2 ms + ≤ 3 ms + unknown"


def test_parts_differ_by_more_than_colour(run):
    bars = [trace for trace in plot_downtime(run).data if trace.type == "bar"]
    assert len({trace.marker.pattern.shape for trace in bars}) == len(bars)


def test_of_very_many_runs_the_first_are_drawn_and_that_is_said(make_run):
    figure = plot_downtime([make_run(run_id=f"r{number}") for number in range(50)])
    assert "the first 40 of 50 runs" in figure.layout.title.text


def test_a_run_whose_parts_are_not_known_is_no_error(make_run):
    made = make_run(downtime_s=None)
    assert plot_downtime(replace(made, stop=replace(made.stop, downtime=()))).layout.annotations


def test_no_runs_give_a_sentence():
    assert downtime_rows().empty
    assert "No part" in plot_downtime().layout.annotations[0].text
