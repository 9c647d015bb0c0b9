"""The parquet layout: nothing is lost, units are in the file, older versions are read, others are told apart."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import strategies
from tests.records import a_pass, a_run, a_stop
from xlkit.errors import StoreError
from xlkit.model import Iteration, Phase, StopReason, meaning, unit
from xlkit.policies import ThresholdPolicy
from xlkit.store import _parquet, read_runs, schema, write_runs

VERSION_1 = Path(__file__).parent / "data" / "version_1.parquet"
VERSION_2 = Path(__file__).parent / "data" / "version_2.parquet"


@settings(max_examples=40)
@given(st.lists(strategies.runs, max_size=3, unique_by=lambda run: run.run_id))
def test_runs_come_back_equal_in_every_field(tmp_path_factory, runs):
    path = tmp_path_factory.mktemp("round") / "runs.parquet"
    write_runs(path, runs)
    assert read_runs(path) == runs


def test_more_runs_than_a_row_group_takes_come_back_equal(tmp_path):
    runs = [a_run(f"run{number:03d}", passes=number % 4) for number in range(150)]
    write_runs(tmp_path / "runs.parquet", iter(runs))
    assert read_runs(tmp_path / "runs.parquet") == runs
    assert pq.read_metadata(tmp_path / "runs.parquet").num_row_groups == 3


def test_a_run_without_iterations_survives(tmp_path):
    write_runs(tmp_path / "runs.parquet", [a_run(passes=0)])
    assert read_runs(tmp_path / "runs.parquet") == [a_run(passes=0)]


def test_every_column_of_the_file_says_its_unit_and_meaning(tmp_path):
    write_runs(tmp_path / "runs.parquet", [a_run()])
    columns = pq.read_schema(tmp_path / "runs.parquet")
    assert columns.names == ["run_id", *(one.name for one in fields(Iteration))]
    for one in fields(Iteration):
        assert columns.field(one.name).metadata == {b"unit": unit(one).encode(), b"meaning": meaning(one).encode()}


def test_what_is_never_unknown_is_marked_so():
    required = {"run_id", "iteration", "phase", "total_written_pages", "begun_s", "ended_s"}
    assert {column.name for column in schema() if not column.nullable} == required


def test_other_tools_find_the_starts_and_stops_as_json(tmp_path):
    write_runs(tmp_path / "runs.parquet", [a_run()])
    metadata = pq.read_metadata(tmp_path / "runs.parquet").metadata
    (entry,) = json.loads(metadata[b"xlkit.runs"])
    assert entry["start"]["policy"] == {"name": "threshold", "min_remaining": 50, "max_iters": 5}
    assert entry["stop"]["downtime_s"] == 0.25


def test_a_file_of_the_first_version_is_read():
    (run,) = read_runs(VERSION_1)
    assert run.start.policy == ThresholdPolicy(max_iters=1)
    assert [one.phase for one in run.iterations] == [Phase.PRECOPY, Phase.STOP_AND_COPY]
    assert [one.dirty_pages for one in run.iterations] == [1000, 20]
    assert (run.iterations[0].collect_s, run.iterations[0].heartbeat_pages, run.controls) == (None, None, ())
    assert (run.stop.stop_reason, run.stop.verified) == (StopReason.MAX_ITERS, None)


def test_a_file_of_the_second_version_is_read_without_page_maps():
    (run,) = read_runs(VERSION_2)
    assert pq.read_metadata(VERSION_2).metadata[b"xlkit.schema_version"] == b"2"
    assert [one.map_pages for one in run.iterations] == [None, None]
    assert run == a_run(stop=a_stop(message="of the second version"))


def test_a_file_of_a_newer_version_is_refused_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(_parquet, "SCHEMA_VERSION", 9)
    write_runs(tmp_path / "later.parquet", [a_run()])
    monkeypatch.undo()
    with pytest.raises(StoreError, match=r"later\.parquet is of version 9, .* update xlkit"):
        read_runs(tmp_path / "later.parquet")


def test_a_foreign_parquet_file_is_refused_by_name(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "foreign.parquet")
    with pytest.raises(StoreError, match=r"foreign\.parquet is a parquet file, but holds no runs"):
        read_runs(tmp_path / "foreign.parquet")


@pytest.mark.parametrize("kept", [0, 3, 200, 0.5, 0.99])
def test_a_file_that_was_cut_off_is_refused_by_name(tmp_path, kept):
    path = tmp_path / "cut.parquet"
    write_runs(path, [a_run()])
    whole = path.read_bytes()
    path.write_bytes(whole[: kept if isinstance(kept, int) else int(len(whole) * kept)])
    with pytest.raises(StoreError, match=r"cut\.parquet"):
        read_runs(path)


def test_rows_that_were_swapped_are_noticed(tmp_path):
    path = tmp_path / "runs.parquet"
    write_runs(path, [a_run("first"), a_run("second")])
    file = pq.ParquetFile(path)
    rows = file.read().take([2, 3, 0, 1])
    facts = {key: value for key, value in file.metadata.metadata.items() if key.startswith(b"xlkit")}
    pq.write_table(rows.replace_schema_metadata(facts), path)
    with pytest.raises(StoreError, match="does not hold the rows of first"):
        read_runs(path)


def test_a_number_too_large_for_a_column_is_refused_and_leaves_no_file(tmp_path):
    run = replace(a_run(), iterations=(a_pass(0, sent_pages=2**70),))
    with pytest.raises(StoreError, match="does not fit"):
        write_runs(tmp_path / "runs.parquet", [run])
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_exists_stays_whole_when_its_successor_cannot_be_written(tmp_path):
    path = tmp_path / "runs.parquet"
    write_runs(path, [a_run()])

    def runs():
        yield a_run()
        raise RuntimeError("the source of runs broke")

    with pytest.raises(RuntimeError):
        write_runs(path, runs())
    assert read_runs(path) == [a_run()]
    assert [one.name for one in tmp_path.iterdir()] == ["runs.parquet"]


def test_no_file_there_is_told_as_such(tmp_path):
    with pytest.raises(StoreError, match=r"no file .*nothing\.parquet"):
        read_runs(tmp_path / "nothing.parquet")
