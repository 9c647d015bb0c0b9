"""The tables of another's recordings as runs: nothing told that was not seen, and nothing lost."""

import csv
import hashlib
from collections import Counter
from itertools import pairwise

import pytest

from tests.qemu_runs.reading import DATA, LIMIT_BYTES_S, RUNS, STOPPED, TABLES, read_tables
from xlkit import diagnose, frames
from xlkit.curves import observed
from xlkit.errors import InvalidValueError
from xlkit.model import Knowledge, Origin, Phase, Status
from xlkit.policies import ThresholdPolicy
from xlkit.replays import replay
from xlkit.store import read_runs

READ = list(read_tables())
LIVE = [run for run in READ if run.start.labels["scenario"] != STOPPED]


def rows(name):
    with (TABLES / name).open(newline="") as file:
        return list(csv.DictReader(file))


def name_of(run):
    return "-".join(run.start.labels.values())


def test_five_scenarios_with_five_repetitions_are_read():
    assert Counter(run.start.labels["scenario"] for run in READ) == dict.fromkeys(
        [
            "Autoconverge_16T",
            "Precopy_Convergent",
            "Precopy_Nonconvergent_16T",
            "Precopy_Nonconvergent_OnlyReads_16T",
            STOPPED,
        ],
        5,
    )
    assert {(run.start.origin, run.stop.status) for run in READ} == {(Origin.IMPORTED, Status.COMPLETED)}


def test_the_file_holds_what_the_tables_give():
    assert read_runs(RUNS) == READ


@pytest.mark.parametrize("path", [RUNS, TABLES / "runs.csv", TABLES / "iterations.csv"], ids=lambda path: path.name)
def test_the_files_are_those_that_are_described(path):
    assert hashlib.sha256(path.read_bytes()).hexdigest() in (DATA / "README.md").read_text()


@pytest.mark.parametrize("run", LIVE, ids=name_of)
def test_every_row_but_the_one_of_the_end_is_a_live_pass(run):
    scenario, repetition = run.start.labels.values()
    polled = [one for one in rows("iterations.csv") if (one["scenario"], one["run"]) == (scenario, repetition)]
    counts = [int(one["dirty_sync_count"]) for one in polled if one["status_first"] == "active"]
    assert [one.iteration + 1 for one in run.iterations[:-1]] == counts
    assert run.iterations[-1].phase is Phase.STOP_AND_COPY


@pytest.mark.parametrize("run", READ, ids=name_of)
def test_bytes_and_time_add_up_to_those_of_the_whole_run(run):
    scenario, repetition = run.start.labels.values()
    (told,) = [one for one in rows("runs.csv") if (one["scenario"], one["run"]) == (scenario, repetition)]
    assert sum(one.sent_bytes for one in run.iterations) == int(told["transferred_B"])
    assert run.stop.ended_s == run.iterations[-1].ended_s == int(told["total_time_ms"]) / 1000


@pytest.mark.parametrize("run", LIVE, ids=name_of)
def test_passes_follow_one_another_and_no_link_is_quicker_than_its_limit(run):
    assert all(last.ended_s == now.begun_s for last, now in pairwise(run.iterations))
    for one in run.iterations[:-1]:
        assert one.ended_s >= one.begun_s
        if one.ended_s - one.begun_s > 1:
            assert one.sent_bytes / (one.ended_s - one.begun_s) == pytest.approx(LIMIT_BYTES_S, rel=0.1)


def test_no_downtime_is_told_as_exact():
    assert {part.knowledge for run in READ for part in run.stop.downtime} == {Knowledge.AT_LEAST}
    stopped = [run for run in READ if run not in LIVE]
    assert min(run.stop.downtime_s for run in stopped) > 14
    assert set(frames.summary(READ)["downtime_knowledge"]) == {"at_least"}


def test_a_set_after_a_pass_that_was_not_seen_belongs_to_no_window():
    run = next(one for one in LIVE if name_of(one) == "Precopy_Convergent-1")
    assert [one.iteration for one in run.iterations] == [0, 1, 2, 3, 5, 7]
    assert [one.iteration for one in observed(run)] == [1, 2, 3]


def test_their_rule_is_known_by_name_only():
    with pytest.raises(InvalidValueError, match="'qemu' cannot be replayed"):
        replay(LIVE[0], LIVE[0].start.policy)


def test_xen_s_rule_would_have_given_up_early():
    writing = next(one for one in LIVE if name_of(one) == "Precopy_Nonconvergent_16T-1")
    told = replay(writing, ThresholdPolicy())
    assert (told.stop_reason, told.live_passes, told.censored) == ("max_iters", 5, False)


@pytest.mark.parametrize("run", READ[::3], ids=name_of)
def test_each_can_be_diagnosed(run):
    text = str(diagnose(run))
    assert "at least" in text
