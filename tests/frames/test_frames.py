"""Tables: one row a pass or a run, units in the names, and unknown stays unknown."""

import pandas as pd
import pytest

from tests.records import SETUP, a_final_pass, a_pass, a_run, a_start, a_stop
from xlkit import frames
from xlkit.errors import InvalidValueError
from xlkit.model import Migration, Run, Side, Status, StopReason
from xlkit.policies import DowntimeBudgetPolicy, ThresholdPolicy, XcpNgPolicy
from xlkit.store import RunStore
from xlkit.units import UINT32_MAX

TABLES = [frames.iterations, frames.summary, frames.compare]


def with_settings(run_id, **settings):
    return a_run(run_id, setup=type(SETUP)(**{**known_setup(), "settings": settings}))


def known_setup():
    return {name: getattr(SETUP, name) for name in ("settings", "applied", "origin", "clock", "memory_pages")}


def only(table):
    assert len(table) == 1
    return {name: table[name][0] for name in table}


@pytest.mark.parametrize("table", TABLES)
def test_no_runs_give_an_empty_table_with_the_same_columns_and_types(table):
    assert len(table()) == len(table([])) == 0
    pd.testing.assert_series_equal(table().dtypes, table(a_run()).dtypes)


@pytest.mark.parametrize("table", TABLES)
def test_runs_come_one_by_one_in_lists_or_in_a_store(table, tmp_path):
    one, two = a_run("one"), a_run("two", passes=3)
    store = RunStore(tmp_path)
    store.add(one)
    store.add(two)
    wanted = table(one, two)
    for given in ([[one, two]], [one, (two,)], [iter([one, two])], [store]):
        pd.testing.assert_frame_equal(table(*given), wanted)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("given", ["a run id", 3, None])
def test_what_is_no_run_is_refused(table, given):
    with pytest.raises(InvalidValueError, match="Wanted runs"):
        table(given)


def test_every_number_has_a_type_that_knows_what_is_missing():
    kinds = {str(kind) for table in TABLES for kind in table(a_run()).dtypes}
    assert kinds == {"string", "Int64", "Float64", "boolean", "datetime64[us, UTC]"}


def test_an_iteration_is_a_row_with_its_numbers():
    run = Run(start=a_start(), iterations=(a_pass(0), a_pass(1, begun_s=1.25, collect_s=0.25)), stop=a_stop())
    row = frames.iterations(run).to_dict("records")[1]
    assert row == {
        "run_id": run.run_id,
        "backend": "scripted",
        "origin": "simulated",
        "policy": "threshold(min_remaining=50, max_iters=5)",
        "domain": "demo",
        "iteration": 1,
        "phase": "precopy",
        "dirty_pages": 500,
        "sent_pages": 500,
        "sent_bytes": 500 * 4096,
        "begun_s": 1.25,
        "ended_s": 1.75,
        "duration_s": 0.5,
        "throughput_bytes_s": 500 * 4096 / 0.5,
        "dirty_rate_pages_s": 500.0,
        "total_written_pages": 1000,
    }


def test_the_dirty_rate_is_told_from_the_second_pass_on():
    rates = frames.iterations(a_run(passes=3))["dirty_rate_pages_s"]
    assert rates.isna().tolist() == [True, False, False]
    assert rates[1:].tolist() == [500.0, 250.0]


def test_the_dirty_rate_does_not_run_on_from_one_run_to_the_next():
    table = frames.iterations(a_run("one"), a_run("two"))
    assert table["dirty_rate_pages_s"].isna().tolist() == [True, False, True, False]


@pytest.mark.parametrize("unknown", [{"sent_bytes": None}, {"ended_s": 0.0}])
def test_a_throughput_that_cannot_be_told_is_missing_and_not_zero(unknown):
    run = Run(start=a_start(), iterations=(a_pass(0, **unknown),), stop=a_stop())
    assert only(frames.iterations(run))["throughput_bytes_s"] is pd.NA


def test_a_run_is_a_row_with_what_it_took():
    row = only(frames.summary(a_run(passes=3, stop=a_stop(verified=True))))
    assert row.pop("started_at") == pd.Timestamp("2026-11-23T12:00Z")
    assert row == {
        "run_id": "20261123T120000000-abcdef",
        "backend": "scripted",
        "origin": "simulated",
        "policy": "threshold(min_remaining=50, max_iters=5)",
        "domain": "demo",
        "min_remaining": 50,
        "max_iters": 5,
        "status": "completed",
        "stop_reason": "max_iters",
        "iterations": 3,
        "total_s": 5.0,
        "downtime_s": 0.25,
        "downtime_knowledge": "exact",
        "last_live_pages": 500,
        "final_pages": 250,
        "sent_pages": 1750,
        "sent_bytes": 1750 * 4096,
        "memory_pages": 1000,
        "amplification": 1.75,
        "precopy_share": 1500 / 1750,
        "precopy_time_share": 0.3,
        "downtime_share": 0.05,
        "runs_at": "destination",
        "verified": True,
    }


def test_what_a_run_does_not_know_is_missing_and_never_zero():
    stop = a_stop(
        status=Status.INCOMPLETE, stop_reason=StopReason.UNKNOWN, ended_s=None, downtime_s=None, runs_at=Side.UNKNOWN
    )
    row = only(frames.summary(a_run(passes=0, stop=stop, policy=XcpNgPolicy())))
    missing = {name for name, value in row.items() if value is pd.NA}
    assert missing == {
        "min_remaining", "max_iters", "total_s", "downtime_s", "last_live_pages", "final_pages", "sent_pages",
        "sent_bytes", "amplification", "precopy_share", "precopy_time_share", "downtime_share", "verified",
    }  # fmt: skip


def test_a_sum_with_an_unknown_part_is_unknown():
    run = Run(start=a_start(), iterations=(a_pass(0), a_pass(1, sent_pages=None, sent_bytes=None)), stop=a_stop())
    row = only(frames.summary(run))
    assert all(row[name] is pd.NA for name in ("sent_pages", "sent_bytes", "amplification", "precopy_share"))


def test_large_counts_stay_exact():
    large = 2**60 + 1
    run = Run(start=a_start(), iterations=(a_pass(0, sent_bytes=large), a_pass(1, sent_bytes=None)), stop=a_stop())
    assert frames.iterations(run)["sent_bytes"][0] == large
    assert frames.iterations(run)["sent_bytes"][1] is pd.NA


def test_the_largest_knobs_fit_their_columns():
    run = a_run(policy=ThresholdPolicy(min_remaining=UINT32_MAX, max_iters=UINT32_MAX))
    assert only(frames.summary(run))["min_remaining"] == UINT32_MAX


def test_repetitions_of_the_same_settings_share_a_row():
    downtimes = [0.5, 0.25, 1.0]
    runs = [a_run(f"r{number}", stop=a_stop(downtime_s=value)) for number, value in enumerate(downtimes)]
    row = only(frames.compare(runs))
    assert (row["runs"], row["completed"], row["settings"]) == (3, 3, "")
    assert (row["median_downtime_s"], row["min_downtime_s"], row["max_downtime_s"]) == (0.5, 0.25, 1.0)
    assert (row["median_iterations"], row["median_amplification"]) == (2.0, 1.5)


@pytest.mark.parametrize(
    "other",
    [
        a_run("b", policy=ThresholdPolicy(min_remaining=500)),
        a_run("b", policy=DowntimeBudgetPolicy(downtime_s=0.3)),
        a_run("b", backend="xl"),
        a_run("b", migration=Migration("another")),
        with_settings("b", bandwidth_bytes_s=1e8),
    ],
)
def test_runs_that_differ_in_a_setting_have_rows_of_their_own(other):
    assert frames.compare(a_run("a"), other)["runs"].tolist() == [1, 1]


def test_the_seed_is_no_setting_that_tells_runs_apart():
    runs = [with_settings(f"r{seed}", seed=seed, memory_bytes=4096) for seed in range(3)]
    assert frames.compare(runs)["runs"].tolist() == [3]


def test_only_the_settings_that_differ_are_shown():
    one = with_settings("a", seed=1, memory_bytes=1, rate=2.5)
    table = frames.compare(one, with_settings("b", seed=2, memory_bytes=1, rate=None))
    assert table["settings"].tolist() == ["rate=2.5", "rate=null"]


def test_runs_that_did_not_complete_are_counted_and_not_averaged():
    aborted = a_run("b", stop=a_stop(status=Status.ABORTED, ended_s=99.0, downtime_s=None))
    row = only(frames.compare(a_run("a"), aborted))
    assert (row["runs"], row["completed"], row["max_total_s"]) == (2, 1, 5.0)
    assert only(frames.compare(aborted))["median_total_s"] is pd.NA


def test_a_run_that_is_given_twice_counts_once():
    assert frames.compare(a_run(), [a_run()])["runs"].tolist() == [1]


def test_rows_come_in_the_order_of_their_first_runs():
    table = frames.compare(a_run("z", backend="xl"), a_run("a"), a_run("b", backend="xl"))
    assert table["backend"].tolist() == ["xl", "scripted"]


def test_a_final_pass_alone_has_no_last_live_pass():
    run = Run(start=a_start(), iterations=(a_final_pass(0),), stop=a_stop())
    row = only(frames.summary(run))
    assert (row["last_live_pages"] is pd.NA, row["final_pages"]) == (True, 1000)
    assert row["precopy_share"] == 0.0
