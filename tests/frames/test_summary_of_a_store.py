"""A store summarised by its columns is the same, to the last value and type, as its runs summarised one by one."""

import json
import math
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from tests import strategies
from tests.records import SETUP, a_pass, a_run, a_start, a_stop
from xlkit import frames
from xlkit.errors import InvalidValueError, StoreError
from xlkit.model import Setup, Status
from xlkit.store import RunStore, StoreWarning, write_runs

DATA = Path(__file__).parents[2] / "data" / "runs"
OLD = Path(__file__).parents[1] / "data"

# Numbers as a migration has them; a sum of larger ones has a test of its own.
counts = st.integers(0, 2**40)
passes = st.builds(
    replace,
    strategies.iterations,
    iteration=st.integers(0, 3),
    dirty_pages=st.none() | counts,
    sent_pages=st.none() | counts,
    sent_bytes=st.none() | counts,
    total_written_pages=counts,
)
setups = st.builds(replace, strategies.setups, memory_pages=st.none() | counts)
starts = st.builds(replace, strategies.starts, setup=setups, backend=strategies.names)
runs = st.builds(
    lambda start, iterations, stop: replace(a_run(), start=start, iterations=tuple(iterations), stop=stop),
    starts,
    st.lists(passes, max_size=4),
    strategies.stops,
)
several = st.lists(runs, max_size=5, unique_by=lambda run: run.run_id)


def expect_the_same(store):
    assert_frame_equal(frames.summary(store), frames.summary(list(store)), check_exact=True)


@given(several, st.integers(1, 5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_any_store_is_summarised_like_its_runs(tmp_path_factory, some, a_file):
    folder = tmp_path_factory.mktemp("store")
    for begin in range(0, len(some), a_file):
        write_runs(folder / f"part{begin}.parquet", some[begin : begin + a_file])
    expect_the_same(RunStore(folder))


@pytest.mark.parametrize(
    "path", [*sorted(DATA.glob("*.parquet")), *sorted(OLD.glob("*.parquet"))], ids=lambda p: p.name
)
def test_files_of_every_version_are_summarised_like_their_runs(path, tmp_path):
    shutil.copy(path, tmp_path)
    expect_the_same(RunStore(tmp_path))


def test_the_table_frames_of_a_pvh_guest_do_not_count_as_sent():
    store = RunStore(DATA)
    busy = store.find(backend="xl")[-1]
    assert frames.summary(store).set_index("run_id").loc[busy.run_id, "sent_pages"] < 1_044_480


def test_a_run_that_goes_on_is_there_with_its_passes_so_far(tmp_path):
    store = RunStore(tmp_path)
    store.add(a_run("20261123T120000000-aaaaaa"))
    with store.journal(a_start("20261123T130000000-bbbbbb")) as journal:
        journal.append(a_pass(0))
        assert frames.summary(store)["status"].tolist() == ["completed", "running"]
        expect_the_same(store)
    expect_the_same(store)


def test_of_a_run_that_is_there_twice_the_more_complete_record_counts(tmp_path):
    whole = a_run(passes=3)
    lost = replace(whole, iterations=whole.iterations[:1], stop=a_stop(status=Status.INCOMPLETE))
    for name, run in (("a", lost), ("b", whole), ("c", lost)):
        write_runs(tmp_path / f"{name}.parquet", [run])
    assert frames.summary(RunStore(tmp_path))["iterations"].tolist() == [3]
    expect_the_same(RunStore(tmp_path))


def test_runs_are_told_in_the_order_of_their_ids(tmp_path):
    for name, run_id in (("a", "20261125"), ("b", "20261123"), ("c", "20261124")):
        write_runs(tmp_path / f"{name}.parquet", [a_run(run_id, passes=len(name) + 1)])
    assert frames.summary(RunStore(tmp_path))["run_id"].tolist() == ["20261123", "20261124", "20261125"]
    expect_the_same(RunStore(tmp_path))


def test_an_empty_store_has_no_rows_and_the_same_types(tmp_path):
    expect_the_same(RunStore(tmp_path / "nothing yet"))


def test_runs_without_a_pass_are_not_lost(tmp_path):
    write_runs(tmp_path / "a.parquet", [a_run("20261123", passes=0), a_run("20261124"), a_run("20261125", passes=0)])
    assert frames.summary(RunStore(tmp_path))["iterations"].tolist() == [0, 2, 0]
    expect_the_same(RunStore(tmp_path))


def test_a_sum_that_does_not_fit_is_no_small_number(tmp_path):
    large = [a_pass(number, sent_bytes=2**62) for number in range(3)]
    with pytest.raises(OverflowError):
        frames.summary(replace(a_run(), iterations=tuple(large)))


def test_text_that_is_no_utf_8_does_not_keep_a_file_from_being_read(tmp_path):
    write_runs(tmp_path / "a.parquet", [a_run(stop=a_stop(message="a path \udcff"))])
    expect_the_same(RunStore(tmp_path))


def test_what_is_no_file_of_runs_is_passed_over_and_said(tmp_path):
    store = RunStore(tmp_path)
    store.add(a_run())
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.warns(StoreWarning, match=r"Passed over: .*broken\.parquet"):
        assert len(frames.summary(store)) == 1


def with_another_head(path, change):
    """Change what a file says of its first run, as a foreign hand would."""
    metadata = pq.read_metadata(path).metadata
    entries = json.loads(metadata[b"xlkit.runs"])
    change(entries[0])
    facts = {b"xlkit.schema_version": metadata[b"xlkit.schema_version"], b"xlkit.runs": json.dumps(entries).encode()}
    pq.write_table(pq.read_table(path).replace_schema_metadata(facts), path)


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry["stop"].update(status="exploded"),
        lambda entry: entry["stop"].update(runs_at="the moon"),
        lambda entry: entry["stop"].update(downtime=[{"knowledge": "rumour"}]),
        lambda entry: entry["start"]["setup"].update(origin="dreamt"),
        lambda entry: entry["start"]["setup"].update(applied="by magic"),
        lambda entry: entry["start"]["setup"].pop("clock"),
        lambda entry: entry["start"].pop("run_id"),
    ],
)
def test_a_file_that_says_what_no_record_holds_is_passed_over_as_a_listing_does(tmp_path, change):
    write_runs(tmp_path / "a.parquet", [a_run("20261123")])
    write_runs(tmp_path / "b.parquet", [a_run("20261124")])
    with_another_head(tmp_path / "b.parquet", change)
    with pytest.warns(StoreWarning, match=r"Passed over: .*b\.parquet"):
        assert frames.summary(RunStore(tmp_path))["run_id"].tolist() == ["20261123"]
    with pytest.warns(StoreWarning, match=r"Passed over: .*b\.parquet"):
        expect_the_same(RunStore(tmp_path))


def test_a_file_with_a_damaged_footer_and_a_folder_of_its_name_are_passed_over_and_said(tmp_path):
    write_runs(tmp_path / "a.parquet", [a_run()])
    whole = (tmp_path / "a.parquet").read_bytes()
    begin = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    (tmp_path / "b.parquet").write_bytes(whole[:begin] + b"\xff" * 40 + whole[begin + 40 :])
    (tmp_path / "c.parquet").mkdir()
    with pytest.warns(StoreWarning, match="Passed over") as told:
        assert len(frames.summary(RunStore(tmp_path))) == 1
    assert len(told) == 2


def test_a_run_whose_policy_no_log_told_is_summarised_like_any_other(tmp_path):
    write_runs(tmp_path / "a.parquet", [a_run(policy=None)])
    assert frames.summary(RunStore(tmp_path))["policy"].tolist() == ["unknown()"]
    expect_the_same(RunStore(tmp_path))


@pytest.mark.parametrize("order", [[2, 3, 0, 1], [0, 2, 1, 3], [0, 1, 2]])
def test_a_file_whose_rows_were_moved_is_refused(tmp_path, order):
    path = tmp_path / "a.parquet"
    write_runs(path, [a_run("20261123"), a_run("20261124")])
    table = pq.read_table(path)
    facts = {key: value for key, value in pq.read_metadata(path).metadata.items() if key.startswith(b"xlkit")}
    pq.write_table(table.take(order).replace_schema_metadata(facts), path)
    with pytest.raises(StoreError, match=r"a\.parquet"):
        frames.summary(RunStore(tmp_path))


@pytest.mark.parametrize("change", [{"row_group": 7}, {"first_row": 7}, {"n_iterations": 7}])
def test_a_file_that_says_its_rows_are_where_none_are_is_refused(tmp_path, change):
    write_runs(tmp_path / "a.parquet", [a_run()])
    with_another_head(tmp_path / "a.parquet", lambda entry: entry.update(change))
    with pytest.raises(StoreError, match=r"a\.parquet"):
        frames.summary(RunStore(tmp_path))


def test_rows_of_runs_that_lie_in_another_order_are_found(tmp_path):
    path = tmp_path / "a.parquet"
    write_runs(path, [a_run("20261124", passes=3), a_run("20261123")])
    assert frames.summary(RunStore(tmp_path))["iterations"].tolist() == [2, 3]
    expect_the_same(RunStore(tmp_path))


def test_a_table_of_another_library_is_no_store():
    with pytest.raises(InvalidValueError, match="Wanted runs"):
        frames.summary(pd.DataFrame({"pages": [1]}))


def test_a_time_that_is_no_number_is_not_known():
    assert frames.summary(a_run(stop=a_stop(ended_s=math.nan)))["total_s"].tolist() == [pd.NA]


def test_a_size_that_does_not_fit_is_refused_and_no_other_number():
    with pytest.raises(OverflowError):
        frames.summary(a_run(setup=replace(SETUP, memory_pages=2**63)))


def test_a_file_that_is_compacted_meanwhile_is_looked_for_again(tmp_path, monkeypatch):
    from xlkit.store import _columns

    store = RunStore(tmp_path)
    for number in range(3):
        store.add(a_run(f"2026112{number}"))
    reading, read = [], _columns._read

    def read_late(path):
        if not reading:
            reading.append(path)
            store.compact()
        return read(path)

    monkeypatch.setattr(_columns, "_read", read_late)
    assert len(frames.summary(store)) == 3
    assert reading


@pytest.mark.slow
def test_a_store_of_more_facts_than_pyarrow_s_own_limit_is_read(tmp_path):
    setup = Setup(
        settings={"text": "x" * 60_000_000}, applied="embedded", origin="simulated", clock="counted", memory_pages=1
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_runs(tmp_path / "a.parquet", [a_run("20261123", setup=setup), a_run("20261124", setup=setup)])
        assert len(frames.summary(RunStore(tmp_path))) == 2
        assert RunStore(tmp_path).run_ids() == ["20261123", "20261124"]


def test_a_share_of_next_to_no_time_is_without_end_and_no_warning():
    run = a_run(stop=a_stop(downtime_s=1e9, ended_s=1e-300))
    assert frames.summary(run)["downtime_share"].tolist() == [math.inf]
