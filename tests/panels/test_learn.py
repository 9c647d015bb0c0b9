"""The learning panel, driven with no page to show it on."""

import pytest

from xlkit.errors import InvalidValueError, PreflightError
from xlkit.panels import LearnPanel
from xlkit.panels.quiz import ask
from xlkit.store import RunStore

WAIT_S = 20


@pytest.fixture
def panel():
    with LearnPanel(3) as made:
        yield made


def test_the_question_is_told(panel):
    assert panel.question == ask(3)
    assert f"{panel.question.memory_mib} MiB" in panel.asked.value


def test_a_click_runs_the_guest_of_the_question_and_marks_the_prediction(panel):
    panel.go.click()
    verdicts = panel.wait(WAIT_S)
    assert [verdict.what for verdict in verdicts] == ["ended by", "live passes", "downtime"]
    assert f"{sum(one.right for one in verdicts)} of 3 right" in panel.said.value
    assert repr(panel) == f"LearnPanel({sum(one.right for one in verdicts)} of 3 right)"


def test_the_run_is_that_of_the_question(panel, own_store):
    panel.run()
    panel.wait(WAIT_S)
    run = RunStore(own_store)[-1]
    assert run.start.policy == panel.question.policy
    assert run.start.setup.settings["memory_bytes"] == panel.question.memory_mib * 2**20


def test_a_prediction_that_came_true_is_right(panel, own_store):
    panel.run()
    happened = {verdict.what: verdict.happened for verdict in panel.wait(WAIT_S)}
    downtime_s = RunStore(own_store)[-1].stop.downtime_s
    panel.predict(
        stop_reason=happened["ended by"],
        live_passes=int(happened["live passes"]),
        downtime_ms=max(1, round(downtime_s * 1000)),
    )
    panel.run()
    assert [verdict.right for verdict in panel.wait(WAIT_S)] == [True, True, True]


def test_another_question_forgets_the_answer(panel):
    panel.run()
    panel.wait(WAIT_S)
    panel.again.click()
    assert panel.question == ask(4)
    assert (panel.said.value, panel.verdicts, panel.run_view.children) == ("", [], ())


def test_a_real_guest_answers_as_well():
    with LearnPanel(3, backend="local") as panel:
        panel.run()
        assert panel.wait(60)[0].what == "ended by"


def test_waiting_for_nothing_says_so(panel):
    with pytest.raises(PreflightError, match="Nothing was run"):
        panel.wait()


def test_a_rule_that_is_no_knob_is_refused(panel):
    with pytest.raises(InvalidValueError, match="min_remaining or max_iters"):
        panel.predict(stop_reason="operator", live_passes=2, downtime_ms=3)


def test_a_backend_that_there_is_none_of_is_refused():
    with LearnPanel(backend="xen") as panel:
        panel.go.click()
        assert "one of local, sim" in panel.said.value
