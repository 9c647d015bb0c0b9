"""The browse panel, driven with no page to show it on."""

import pytest

from tests.records import a_run, a_stop
from xlkit.model import Status
from xlkit.panels import BrowsePanel
from xlkit.policies import ThresholdPolicy
from xlkit.store import RunStore

FIRST, SECOND, THIRD = (f"2026112{day}T120000000-aaaaaa" for day in (3, 4, 5))


@pytest.fixture
def store(own_store):
    store = RunStore(own_store)
    store.add(a_run(FIRST, stop=a_stop(downtime_s=0.5)))
    store.add(a_run(SECOND, policy=ThresholdPolicy(min_remaining=500)))
    store.add(a_run(THIRD, stop=a_stop(status=Status.FAILED, downtime_s=None)))
    return store


@pytest.fixture
def panel(store):
    return BrowsePanel(store)


def kinds(panel):
    return [next(iter(output["data"])) for output in panel.shown.outputs]


def test_all_runs_are_listed_the_latest_first(panel):
    assert [run_id for _, run_id in panel.listed.options] == [THIRD, SECOND, FIRST]
    assert "3 of 3 runs." in panel.found.value


def test_words_filter_the_list(panel):
    assert panel.filter("status:failed") == [THIRD]
    assert panel.filter("500") == [SECOND]
    assert "1 of 3 runs" in panel.found.value


def test_a_field_that_there_is_none_of_is_told(panel):
    panel.filter("colour:red")
    assert "no &#x27;colour&#x27; to search" in panel.found.value


def test_the_order_can_be_chosen(panel):
    panel.order.value = "longest downtime first"
    assert panel.listed.options[0][1] == FIRST


def test_picked_runs_are_given_back(panel, store):
    panel.pick(FIRST, SECOND)
    assert panel.runs == [store[SECOND], store[FIRST]]
    assert repr(panel) == "BrowsePanel(3 of 3 runs, 2 picked)"


def test_a_filter_keeps_what_is_picked_and_still_listed(panel):
    panel.pick()
    panel.filter("500")
    assert panel.picked == [SECOND]


def test_the_settings_that_differ_are_shown_first(panel):
    panel.pick(FIRST, SECOND)
    panel.buttons["settings"].click()
    shown = panel.shown.outputs[0]["data"]["text/html"]
    assert shown.index("What differed") < shown.index("min_remaining") < shown.index("What was the same")


def test_picked_runs_are_compared_in_a_table_and_two_figures(panel):
    panel.pick(FIRST, SECOND)
    panel.buttons["compare"].click()
    assert kinds(panel) == ["text/html", *["application/vnd.plotly.v1+json"] * 2]


def test_picked_runs_are_replayed_under_the_rule_that_is_set(panel):
    panel.pick(FIRST)
    panel.rule.max_iters.value = 1
    table = panel.replay()
    assert table[["run_id", "max_iters", "stop_reason"]].values.tolist() == [[FIRST, 1, "max_iters"]]
    assert "max_iters" in panel.shown.outputs[0]["data"]["text/html"]


def test_a_report_is_written(panel, tmp_path):
    panel.pick(FIRST)
    assert FIRST in panel.report(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Wrote " in panel.said.value


def test_a_report_that_cannot_be_written_is_told_to_a_click(panel, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "xlkit-report.html").mkdir()
    panel.pick(FIRST)
    panel.buttons["report"].click()
    assert "Could not write" in panel.said.value


def test_tags_and_a_note_are_saved_for_every_picked_run_and_can_be_searched(panel, store):
    panel.pick(FIRST, THIRD)
    panel.tags.value, panel.note.value = "slow monday", "the switch"
    panel.buttons["remark"].click()
    assert store.remarks()[FIRST] == store.remarks()[THIRD]
    assert panel.filter("tag:monday") == [THIRD, FIRST]
    assert "#monday" in panel.listed.options[0][0]


def test_what_was_said_of_a_picked_run_is_shown(panel):
    panel.pick(FIRST)
    panel.remark(tags=["slow"], note="why?")
    panel.pick(SECOND)
    assert (panel.tags.value, panel.note.value) == ("", "")
    panel.pick(FIRST)
    assert (panel.tags.value, panel.note.value) == ("slow", "why?")


@pytest.mark.parametrize("name", ["settings", "compare", "replay", "report"])
def test_nothing_picked_asks_for_a_pick(panel, name):
    panel.buttons[name].click()
    assert "Pick runs" in panel.said.value


def test_a_run_that_was_recorded_meanwhile_comes_with_another_look(panel, store):
    store.add(a_run("20261126T120000000-aaaaaa"))
    panel.buttons["refresh"].click()
    assert "4 of 4 runs" in panel.found.value
