"""Compaction: many files become one, nothing is lost whatever happens meanwhile."""

from dataclasses import replace

import pytest

from tests.processes import files_limited_to
from tests.records import a_run, a_start
from xlkit.errors import StoreError
from xlkit.store import RunStore, StoreWarning, read_runs, write_runs
from xlkit.store import _store as store_module

IDS = [f"run{number}" for number in range(5)]


@pytest.fixture
def store(tmp_path):
    store = RunStore(tmp_path / "runs")
    for number, run_id in enumerate(IDS):
        store.add(a_run(run_id, passes=number))
    return store


def files(store):
    return sorted(store.path.glob("*.parquet"))


def test_many_files_become_one_and_every_run_comes_back_equal(store):
    before = list(store)
    store.compact()
    (path,) = files(store)
    assert read_runs(path) == before == list(store)
    assert [store[run_id] for run_id in IDS] == before
    assert [head.n_iterations for head in RunStore(store.path).heads()] == [0, 1, 2, 3, 4]


def test_compacting_again_leaves_the_file_alone_until_there_is_more(store):
    store.compact()
    (first,) = files(store)
    store.compact()
    assert files(store) == [first]
    store.add(a_run("run7"))
    store.compact()
    assert files(store) != [first]
    assert len(files(store)) == 1
    assert len(store) == 6


def test_a_large_store_becomes_several_files(store, monkeypatch):
    monkeypatch.setattr(store_module, "_RUNS_A_FILE", 2)
    store.compact()
    assert [len(read_runs(path)) for path in files(store)] == [2, 2, 1]
    before = files(store)
    store.compact()
    assert files(store) == before


def test_killed_before_the_old_files_went_runs_are_there_twice_and_read_once(store):
    write_runs(store.path / "compact-copy.parquet", list(store))
    assert [run.run_id for run in store] == IDS
    store.compact()
    assert len(files(store)) == 1
    assert [run.run_id for run in store] == IDS


@pytest.mark.parametrize("names", ["ab", "ba"])
def test_of_two_records_of_a_run_the_one_with_its_end_is_read(store, names):
    whole = a_run("run9", passes=2)
    cut = replace(whole, iterations=whole.iterations[:1], stop=replace(whole.stop, status="incomplete"))
    write_runs(store.path / f"{names[0]}.parquet", [cut])
    write_runs(store.path / f"{names[1]}.parquet", [whole])
    assert store["run9"] == whole


def test_a_full_disk_leaves_every_run_where_it_was(store):
    with files_limited_to(1000), pytest.raises(StoreError, match="compact-run0"):
        store.compact()
    assert [path.stem for path in files(store)] == IDS


def test_open_runs_and_foreign_files_stay_as_they_are(store):
    (store.path / "foreign.parquet").write_bytes(b"no parquet")
    with store.journal(a_start("run8")):
        with pytest.warns(StoreWarning, match="foreign"):
            store.compact()
        assert [path.name for path in files(store)][1:] == ["foreign.parquet"]
        assert (store.path / "run8.jsonl").exists()
    assert len(store) == 6


def test_a_reader_that_listed_before_finds_the_runs_afterwards(store):
    reader = iter(RunStore(store.path))
    first = next(reader)
    store.compact()
    assert [first.run_id, *(run.run_id for run in reader)] == IDS


def test_a_file_that_was_replaced_meanwhile_is_not_removed(store, monkeypatch):
    changed = a_run("run1", passes=4)

    def write_and_replace(path, runs):
        write_runs(path, runs)
        write_runs(store.path / "run1.parquet", [changed])

    monkeypatch.setattr(store_module, "write_runs", write_and_replace)
    store.compact()
    assert read_runs(store.path / "run1.parquet") == [changed]
    assert store["run1"] == changed
