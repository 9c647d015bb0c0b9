"""What the summary says of real Xen runs, and the parts of the downtime."""

from pathlib import Path

import pandas as pd
import pytest

from tests.records import a_pass, a_run, a_start, a_stop
from xlkit import frames
from xlkit.model import Applied, DowntimePart, Knowledge, Origin, Run, Setup
from xlkit.store import read_runs

XEN = Path(__file__).parents[2] / "data" / "runs" / "xen_lab.parquet"


def part(knowledge, duration_s=0.1):
    return DowntimePart(name="copy", duration_s=duration_s, knowledge=knowledge, clock="a clock")


def with_parts(*knowledge, **stop):
    return a_run(stop=a_stop(downtime=tuple(map(part, knowledge)), **stop))


def test_a_table_of_frames_in_pass_0_is_no_memory_that_was_sent():
    first = frames.summary(read_runs(XEN)).iloc[0]
    assert first["memory_pages"] == 24_576
    assert 1 < first["amplification"] < 2


def test_pass_0_counts_the_memory_also_where_its_sent_pages_were_taken_from_the_table():
    setup = Setup(settings={}, applied=Applied.HELPER, origin=Origin.MEASURED, clock="source", memory_pages=24_576)
    one = a_pass(0, dirty_pages=1_044_480, sent_pages=1_044_480)
    run = Run(start=a_start(setup=setup), iterations=(one,), stop=a_stop())
    assert frames.summary(run)["sent_pages"].tolist() == [24_576]
    assert frames.summary(run)["amplification"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("knowledge", "told"),
    [
        ([], "exact"),
        ([Knowledge.EXACT], "exact"),
        ([Knowledge.EXACT, Knowledge.AT_MOST], "at_most"),
        ([Knowledge.AT_LEAST, Knowledge.EXACT], "at_least"),
    ],
)
def test_a_downtime_is_known_no_better_than_the_worst_of_its_parts(knowledge, told):
    assert frames.summary(with_parts(*knowledge))["downtime_knowledge"].tolist() == [told]


def test_a_downtime_that_is_not_known_is_unknown():
    assert frames.summary(with_parts(downtime_s=None))["downtime_knowledge"].tolist() == ["unknown"]


def test_the_shares_of_time_leave_room_for_what_lies_between_the_passes():
    row = frames.summary(a_run(passes=3)).iloc[0]
    assert row["precopy_time_share"] + row["downtime_share"] < 1


def test_each_part_of_the_downtime_is_a_row_with_its_clock():
    table = frames.downtime(with_parts(Knowledge.EXACT, Knowledge.AT_MOST))
    assert table["knowledge"].tolist() == ["exact", "at_most"]
    assert set(table["clock"]) == {"a clock"}


def test_a_part_without_a_duration_stays_unknown():
    run = a_run(stop=a_stop(downtime=(part(Knowledge.UNKNOWN, None),)))
    assert frames.downtime(run)["duration_s"].tolist() == [pd.NA]


def test_the_downtime_of_every_xen_run_has_its_parts():
    table = frames.downtime(read_runs(XEN))
    assert table.groupby("run_id").size().min() >= 3
