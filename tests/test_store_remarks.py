"""What people say of runs, and runs found by words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records import a_run, a_stop
from xlkit.errors import InvalidValueError, UnknownRunError
from xlkit.model import Status
from xlkit.store import Remark, RunStore

FIRST, SECOND = "20261123T120000000-aaaaaa", "20261124T120000000-bbbbbb"


@pytest.fixture
def store(tmp_path):
    store = RunStore(tmp_path / "runs")
    store.add(a_run(FIRST))
    store.add(a_run(SECOND, stop=a_stop(status=Status.FAILED), labels={"cell": "xen x idle"}))
    return store


def found(store, text):
    return [head.run_id for head in store.search(text)]


def test_nothing_was_said_of_a_run_at_first(store):
    assert store.remarks() == {}


def test_tags_and_a_note_stay_with_a_run_and_change_nothing_of_it(store):
    before = store[FIRST]
    store.remark(0, tags=["slow", "monday"], note="The switch was flapping.")
    again = RunStore(store.path)
    assert again.remarks() == {FIRST: Remark(tags=("monday", "slow"), note="The switch was flapping.")}
    assert again[FIRST] == before


def test_what_is_not_given_stays_as_it_was_said_before(store):
    store.remark(FIRST, tags=["slow"], note="first")
    assert store.remark(FIRST, note="second") == Remark(tags=("slow",), note="second")
    assert store.remark(FIRST, tags=()) == Remark(note="second")


def test_a_line_that_was_cut_off_loses_no_other(store):
    store.remark(FIRST, note="kept")
    with (store.path / "remarks.ndjson").open("a") as file:
        file.write('{"run_id": "20261')
    store.remark(SECOND, note="kept, too")
    assert {run_id: remark.note for run_id, remark in store.remarks().items()} == {FIRST: "kept", SECOND: "kept, too"}


@given(st.dictionaries(st.sampled_from(["a", "b"]), st.text(st.characters(codec="utf-8")), max_size=2))
def test_any_note_comes_back(tmp_path_factory, notes):
    store = RunStore(tmp_path_factory.mktemp("store"))
    for run_id, note in notes.items():
        store.add(a_run(run_id))
        store.remark(run_id, note=note)
    assert {run_id: remark.note for run_id, remark in store.remarks().items()} == notes


@pytest.mark.parametrize("tag", ["two words", "", "x" * 61])
def test_a_tag_that_is_no_word_is_refused(store, tag):
    with pytest.raises(InvalidValueError, match="one word"):
        store.remark(FIRST, tags=[tag])


def test_a_remark_on_no_run_is_refused(store):
    with pytest.raises(UnknownRunError):
        store.remark("2030", note="of what?")


def test_every_word_must_occur_somewhere(store):
    store.remark(FIRST, tags=["Monday"])
    assert found(store, "") == [FIRST, SECOND]
    assert found(store, "monday SCRIPTED") == [FIRST]
    assert found(store, "monday failed") == []
    assert found(store, "idle") == [SECOND]


def test_a_word_can_be_asked_of_one_field(store):
    store.remark(FIRST, note="it failed on Tuesday")
    assert found(store, "failed") == [FIRST, SECOND]
    assert found(store, "status:failed") == [SECOND]
    assert found(store, "note:tuesday") == [FIRST]


def test_a_field_that_no_run_has_is_refused_with_those_it_has(store):
    with pytest.raises(InvalidValueError, match=r"no 'colour'.*tag"):
        store.search("colour:red")
