"""RunStore: where it lies, how runs are looked up, and what it makes of files that are none of its own."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.records import a_pass, a_run, a_start, a_stop
from xlkit.errors import InvalidValueError, StoreError, UnknownRunError
from xlkit.model import Migration, Origin, Status, StopReason
from xlkit.policies import SusePolicy, ThresholdPolicy
from xlkit.store import RunStore, StoreWarning

IDS = ["20261123T120000000-aaaaaa", "20261123T120000000-abbbbb", "20261124T080000000-cccccc"]


@pytest.fixture
def store(tmp_path):
    store = RunStore(tmp_path / "runs")
    for run_id in reversed(IDS):
        store.add(a_run(run_id))
    return store


def test_the_folder_is_the_argument_or_the_variable_or_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert RunStore("here").path == tmp_path / "here"
    monkeypatch.setenv("XLKIT_STORE", str(tmp_path / "there"))
    assert RunStore().path == tmp_path / "there"
    monkeypatch.delenv("XLKIT_STORE")
    assert RunStore().path == tmp_path / "runs"


def test_a_store_that_was_only_looked_at_leaves_no_folder(tmp_path):
    store = RunStore(tmp_path / "runs")
    assert (list(store), store.heads(), store.recover(), len(store), "x" in store) == ([], [], [], 0, False)
    store.compact()
    assert not store.path.exists()


def test_runs_come_in_the_order_of_their_ids(store):
    assert [run.run_id for run in store] == IDS
    assert [head.run_id for head in store.heads()] == IDS


def test_a_run_comes_back_equal(store):
    assert store[IDS[0]] == a_run(IDS[0])
    assert store.heads()[0].with_iterations(a_run().iterations) == a_run(IDS[0])


@pytest.mark.parametrize(("key", "found"), [(-1, 2), ("-1", 2), (0, 0), ("-3", 0), ("20261124", 2), (IDS[1][:-1], 1)])
def test_a_run_is_found_by_place_and_by_the_beginning_of_its_id(store, key, found):
    assert store[key].run_id == IDS[found]


def test_a_slice_is_a_list_of_runs(store):
    assert [run.run_id for run in store[-2:]] == IDS[1:]


@pytest.mark.parametrize("key", ["2027", "", 3, -4, "-4", "../runs"])
def test_a_key_that_no_run_answers_to_is_told(store, key):
    with pytest.raises(UnknownRunError, match="No run answers to"):
        store[key]


def test_an_ambiguous_key_lists_the_candidates(store):
    with pytest.raises(UnknownRunError, match="fits 2 runs") as caught:
        store["20261123"]
    assert caught.value.candidates == tuple(IDS[:2])


def test_an_id_that_begins_another_one_is_still_found(tmp_path):
    store = RunStore(tmp_path)
    store.add(a_run("run1"))
    store.add(a_run("run10"))
    assert store["run1"].run_id == "run1"


def test_find_asks_for_values_and_with_callables(tmp_path):
    store = RunStore(tmp_path)
    store.add(a_run("a", policy=SusePolicy(), stop=a_stop(stop_reason=StopReason.MIN_REMAINING)))
    store.add(a_run("b", migration=Migration("other"), passes=5))
    store.add(a_run("c", backend="xl", stop=a_stop(status=Status.FAILED)))

    def found(**fields):
        return "".join(run.run_id for run in store.find(**fields))

    assert found() == "abc"
    assert found(status="completed", domain="demo") == "a"
    assert found(policy="threshold") == found(policy=ThresholdPolicy()) == "bc"
    assert found(backend="xl") == found(status=Status.FAILED) == "c"
    assert found(n_iterations=lambda count: count > 2) == "b"
    assert found(origin=Origin.MEASURED) == ""


def test_find_refuses_a_field_that_runs_do_not_have(store):
    with pytest.raises(InvalidValueError, match="no colour to look for; it has run_id"):
        store.find(colour="red")


def test_adding_a_run_twice_changes_nothing_and_another_of_its_id_is_refused(store):
    store.add(a_run(IDS[0]))
    assert len(store) == 3
    with pytest.raises(StoreError, match="Another run"):
        store.add(a_run(IDS[0], passes=4))


@pytest.mark.parametrize("run_id", ["", "../out", "a/b", ".hidden", "a b", "x" * 300])
def test_an_id_that_cannot_name_a_file_is_refused(tmp_path, run_id):
    with pytest.raises(InvalidValueError, match="A run id is made of letters"):
        RunStore(tmp_path / "runs").add(a_run(run_id))
    with pytest.raises(InvalidValueError, match="A run id is made of letters"):
        RunStore(tmp_path / "runs").journal(a_start(run_id)).__enter__()


@pytest.mark.parametrize("damage", ["foreign", "cut", "empty", "text"])
def test_a_bad_file_is_passed_over_by_name_once_and_the_rest_is_read(store, damage):
    bad = store.path / "bad.parquet"
    if damage == "foreign":
        pq.write_table(pa.table({"a": [1]}), bad)
    else:
        whole = (store.path / f"{IDS[0]}.parquet").read_bytes()
        bad.write_bytes({"cut": whole[:-20], "empty": b"", "text": b"hello"}[damage])
    with pytest.warns(StoreWarning, match=r"bad\.parquet"):
        assert len(store) == 3
    assert [run.run_id for run in store] == IDS


def test_a_file_that_was_mended_is_read_again(store):
    path = store.path / f"{IDS[0]}.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    with pytest.warns(StoreWarning, match="aaaaaa"):
        assert IDS[0] not in store
    path.write_bytes(whole)
    assert IDS[0] in store


ACTIONS = [lambda store: store.add(a_run()), lambda store: store.journal(a_start()).__enter__()]


@pytest.mark.parametrize("action", ACTIONS)
def test_a_folder_that_cannot_be_made_is_told_by_name(tmp_path, action):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match=r"Cannot (list|create the store's folder) .*XLKIT_STORE"):
        action(RunStore(tmp_path / "file" / "runs"))
    with pytest.raises(StoreError, match="Cannot list"):
        len(RunStore(tmp_path / "file"))


@pytest.mark.parametrize("action", ACTIONS)
def test_a_place_that_takes_no_folders_is_told_even_to_root(action):
    with pytest.raises(StoreError, match="Cannot create the store's folder /proc/runs"):
        action(RunStore("/proc/runs"))


def test_a_notebook_sees_a_small_table_that_names_cannot_break(tmp_path):
    store = RunStore(tmp_path)
    store.add(a_run("a", migration=Migration("<b>bold</b>")))
    page = store._repr_html_()
    assert "&lt;b&gt;bold" in page
    assert "<b>" not in page
    assert 'scope="row">a<' in page
    assert repr(store) == f"RunStore({str(tmp_path)!r}): 1 runs"


def test_the_table_shows_the_latest_ten(tmp_path):
    store = RunStore(tmp_path)
    for number in range(12):
        store.add(a_run(f"run{number:02d}"))
    page = store._repr_html_()
    assert page.count("<tr>") == 11
    assert page.index("run11") < page.index("run02")
    assert "run01" not in page


def test_keys_are_completed(store):
    assert store._ipython_key_completions_() == IDS


def test_an_open_run_is_listed_with_what_it_has(store):
    with store.journal(a_start("20270101T000000000-dddddd")) as journal:
        journal.append(a_pass(0))
        assert store[-1].iterations == (a_pass(0),)
        assert store[-1].stop.status is Status.RUNNING
        assert store.find(status="running") == [store[-1]]
        journal.append(a_stop())
    assert store[-1].stop == a_stop()
