"""The watch panel: runs of this process, runs of others, and what an operator may do."""

import time

import pytest

from tests.records import a_final_pass, a_pass, a_run, a_start, a_stop
from xlkit.backends.sim import SimBackend
from xlkit.errors import PreflightError, UnknownRunError
from xlkit.model import Migration, Status, StopReason
from xlkit.panels import WatchPanel, watch
from xlkit.policies import ThresholdPolicy
from xlkit.runner import start
from xlkit.store import RunStore

WAIT_S = 20
PATIENT = ThresholdPolicy(max_iters=30)


def until(true):
    for _ in range(300):
        if true():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def going(gated):
    handle = start(Migration("guest"), PATIENT, gated)
    yield handle
    gated.let()
    handle.wait(WAIT_S)


def test_a_run_of_this_process_is_shown_to_its_end():
    panel = WatchPanel(start(Migration("guest"), PATIENT, SimBackend()))
    run = panel.wait(WAIT_S)
    assert run.stop.status is Status.COMPLETED
    assert len(panel.display.chart.rows) == len(run.iterations)
    assert repr(panel) == f"WatchPanel(completed, {len(run.iterations)} passes)"


def test_an_abort_is_asked_for_twice(going, gated):
    panel = WatchPanel(going)
    panel.buttons.abort.click()
    assert panel.buttons.question.layout.display == ""
    panel.buttons.keep.click()
    assert panel.buttons.question.layout.display == "none"
    gated.let()
    assert panel.wait(WAIT_S).stop.status is Status.COMPLETED


def test_a_confirmed_abort_gives_the_migration_up(going):
    panel = WatchPanel(going)
    panel.buttons.abort.click()
    panel.buttons.confirm.click()
    assert panel.wait(WAIT_S).stop.status is Status.ABORTED


def test_two_panels_on_one_run_agree(going, gated):
    first, second = WatchPanel(going), WatchPanel(going)
    first.rule.min_remaining.value = 9_000
    first.apply_knobs()
    assert until(lambda: second.display.chart.min_remaining == 9_000)
    second.stop_now()
    gated.let()
    assert first.wait(WAIT_S) == second.wait(WAIT_S)
    assert until(lambda: first.display.status.value == second.display.status.value)


def test_a_knob_that_is_not_applied_draws_a_line_of_its_own(going):
    panel = WatchPanel(going)
    panel.rule.min_remaining.value = 700
    assert (panel.display.chart.proposed, panel.display.chart.min_remaining) == (700, 50)
    panel.apply_knobs()
    assert until(lambda: (panel.display.chart.proposed, panel.display.chart.min_remaining) == (0, 700))


def test_closing_the_panel_leaves_the_run_going(going, gated):
    panel = WatchPanel(going)
    panel.close()
    gated.let()
    assert going.wait(WAIT_S).stop.status is Status.COMPLETED


def test_a_finished_run_of_the_store_is_shown():
    RunStore().add(a_run())
    panel = WatchPanel(-1)
    assert panel.wait(WAIT_S) == a_run()
    assert panel.buttons.stop.disabled


def test_a_run_that_another_process_records_is_shown_as_it_grows_and_cannot_be_stopped(own_store):
    store = RunStore(own_store)
    with store.journal(a_start()) as journal:
        panel = WatchPanel(a_start().run_id, store=store)
        journal.append(a_pass(0))
        assert until(lambda: len(panel.display.chart.rows) == 1)
        assert panel.buttons.stop.disabled
        journal.append(a_final_pass(1))
        journal.append(a_stop())
    assert panel.wait(WAIT_S).stop == a_stop()
    assert len(panel.display.chart.rows) == 2


def test_a_run_that_nobody_knows_is_refused():
    with pytest.raises(UnknownRunError):
        WatchPanel("20260101")


def test_waiting_for_no_run_says_so():
    with pytest.raises(PreflightError, match="No run is shown"):
        WatchPanel().wait()


class LosesItsHost(SimBackend):
    """The simulator on a host whose connection breaks after two passes, and is back later."""

    def migrate(self, migration, policy):
        events = super().migrate(migration, policy)
        yield next(events)
        yield next(events)
        yield a_stop(status=Status.INCOMPLETE, message="The connection to host1 was lost.")

    def attach(self, run, policy):
        return super().migrate(run.start.migration, policy)


def test_a_lost_connection_is_attached_again(monkeypatch, own_store):
    monkeypatch.setattr(watch, "AGAIN_S", 0.01)
    backend = LosesItsHost()
    panel = WatchPanel(start(Migration("guest"), PATIENT, backend), backend=backend)
    assert until(lambda: not panel.running)
    assert panel.wait(WAIT_S).stop.stop_reason is StopReason.MIN_REMAINING
    assert RunStore(own_store)[-1].stop.status is Status.COMPLETED


def test_what_is_expected_is_told_while_the_run_goes_on_and_taken_away_at_its_end(going, gated, monkeypatch):
    monkeypatch.setattr(watch, "LONG_PASS_S", 0.0)
    panel = WatchPanel(going)
    gated.let(2)
    assert until(lambda: "Expected by its passes so far: downtime" in panel.display.expected.value)
    gated.let()
    panel.wait(WAIT_S)
    assert panel.display.expected.value == ""


def test_passes_that_nobody_could_follow_are_not_held_up_by_a_forecast(going, gated):
    panel = WatchPanel(going)
    gated.let(4)
    assert until(lambda: len(panel.display.chart.rows) == 4)
    assert panel.display.expected.value == ""
