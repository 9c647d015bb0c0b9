"""The launch panel, driven with no page to show it on."""

import asyncio
import html
import shlex
import time

import pytest

from xlkit.backends.sim import SimBackend
from xlkit.backends.xl import XlBackend
from xlkit.cli import main
from xlkit.errors import InvalidValueError, PreflightError
from xlkit.model import Side, Status, StopReason
from xlkit.panels import LaunchPanel
from xlkit.store import RunStore

WAIT_S = 20


@pytest.fixture
def panel():
    with LaunchPanel(backend="sim", max_iters=30) as made:
        yield made


@pytest.fixture
def held(gated):
    with LaunchPanel(backend=gated, max_iters=30) as made:
        yield made


def until(true):
    for _ in range(200):
        if true():
            return True
        time.sleep(0.02)
    return False


def test_a_click_launches_a_run_that_is_recorded(panel, own_store):
    panel.button.click()
    run = panel.wait(WAIT_S)
    assert run.stop.status is Status.COMPLETED
    assert RunStore(own_store)[-1].run_id == run.run_id


def test_a_call_launches_the_same_run_as_a_click(panel):
    panel.button.click()
    clicked = panel.wait(WAIT_S)
    panel.launch()
    assert panel.wait(WAIT_S).iterations == clicked.iterations


def test_both_knobs_reach_the_policy(panel):
    panel.set(min_remaining=1000, max_iters=7)
    panel.launch()
    policy = panel.wait(WAIT_S).start.policy
    assert (policy.min_remaining, policy.max_iters) == (1000, 7)


def test_guest_and_link_reach_the_backend(panel):
    panel.set(memory_mib=64, bandwidth_mbit_s=1000, dirty_rate_pages_s=123, workload="sweep")
    panel.launch()
    settings = panel.wait(WAIT_S).start.setup.settings
    assert settings["memory_bytes"] == 2**26
    assert settings["bandwidth_bytes_s"] == 125e6
    assert (settings["workload"]["name"], settings["workload"]["rate_pages_s"]) == ("sweep", 123)


def test_a_store_of_ones_own_is_taken(tmp_path):
    store = RunStore(tmp_path / "mine")
    with LaunchPanel(backend="sim", store=store) as panel:
        panel.launch()
        assert panel.wait(WAIT_S).run_id == store[-1].run_id


def test_the_end_is_told_in_words_and_drawn(panel):
    panel.launch()
    run = panel.wait(WAIT_S)
    assert "completed, ended by min_remaining; downtime" in panel.watch.display.status.value
    assert "Precopy ended because" in panel.watch.display.summary.value
    assert "role=" in panel.watch.display.status.value
    assert len(panel.watch.display.chart.rows) == len(run.iterations)
    assert "<table" in panel.watch.display.summary.value


def test_runs_are_kept_in_order(panel):
    for threshold in (50, 500):
        panel.set(min_remaining=threshold)
        panel.launch()
        panel.wait(WAIT_S)
    assert [run.start.policy.min_remaining for run in panel.runs] == [50, 500]


def test_the_passes_are_shown_while_the_run_goes_on(held, gated):
    held.launch()
    gated.let(2)
    assert until(lambda: len(held.watch.display.chart.rows) == 2)
    assert held.running
    assert repr(held) == "LaunchPanel(running, 2 passes)"
    assert "2 of at most 30 live passes" in held.watch.display.progress.value


def test_stop_now_ends_precopy(held, gated):
    held.launch()
    held.watch.buttons.stop.click()
    gated.let()
    run = held.wait(WAIT_S)
    assert run.stop.stop_reason is StopReason.OPERATOR
    assert "operator asked for it" in held.watch.display.summary.value


def test_abort_leaves_the_guest_at_the_source(held, gated):
    held.launch()
    held.watch.buttons.abort.click()
    held.watch.buttons.confirm.click()
    run = held.wait(WAIT_S)
    assert run.stop.status is Status.ABORTED
    assert gated.guests() == (Side.SOURCE,)
    assert "runs on at the source" in held.watch.display.summary.value


def test_knobs_can_be_applied_to_a_run_that_goes_on(held, gated):
    held.launch()
    held.set(min_remaining=70_000)
    held.watch.buttons.apply.click()
    assert until(lambda: held.watch.display.chart.min_remaining == 70_000)
    gated.let()
    run = held.wait(WAIT_S)
    assert run.controls[0].policy.min_remaining == 70_000
    assert run.stop.stop_reason is StopReason.MIN_REMAINING


def test_the_buttons_say_what_can_be_done(held, gated):
    def free():
        buttons = held.watch.buttons
        named = {"launch": held.button, "stop": buttons.stop, "abort": buttons.abort, "apply": buttons.apply}
        return {name for name, button in named.items() if not button.disabled}

    assert free() == {"launch"}
    held.launch()
    assert free() == {"stop", "abort", "apply"}
    gated.let()
    held.wait(WAIT_S)
    assert free() == {"launch"}


def test_a_second_launch_is_refused_while_one_goes_on(held):
    held.launch()
    with pytest.raises(PreflightError, match="going on"):
        held.launch()


def test_waiting_for_too_short_a_time_leaves_the_run_going(held):
    held.launch()
    with pytest.raises(TimeoutError, match="stop_now"):
        held.wait(0.05)
    assert held.running


def test_waiting_can_be_awaited(panel):
    panel.launch()
    assert asyncio.run(panel.wait_async()).stop.status is Status.COMPLETED


def test_waiting_for_nothing_says_so(panel):
    with pytest.raises(PreflightError, match="Launch one"):
        panel.wait()


def test_a_failure_is_shown_and_raised():
    class Failing(SimBackend):
        def preflight(self, migration):
            raise PreflightError("The guest <web01> is not there. Start it.")

    with LaunchPanel(backend=Failing()) as panel:
        panel.button.click()
        with pytest.raises(PreflightError):
            panel.wait(WAIT_S)
        assert "The guest &lt;web01&gt; is not there" in panel.watch.display.status.value
        assert not panel.button.disabled


def test_settings_that_do_not_fit_are_shown_to_a_click_and_raised_to_a_call(panel):
    panel.set(memory_mib=16, workload="hotcold")
    panel.controls.new_backend = lambda: SimBackend(memory="no amount")
    panel.button.click()
    assert "no amount" in panel.watch.display.status.value
    with pytest.raises(InvalidValueError, match="no amount"):
        panel.launch()


def test_each_launch_has_a_guest_of_its_own_and_close_ends_the_last(panel, monkeypatch):
    made, closed = [], []
    monkeypatch.setattr(SimBackend, "close", lambda backend: closed.append(id(backend)))
    monkeypatch.setattr(SimBackend, "__post_init__", _noting(made, SimBackend.__post_init__))
    for _ in range(2):
        panel.launch()
        panel.wait(WAIT_S)
    assert len(made) == 2
    assert closed == made[:1]
    panel.close()
    assert closed == made


def test_a_picture_that_fails_leaves_the_run_and_the_buttons_alone(panel, monkeypatch, caplog):
    monkeypatch.setattr(panel.watch.display.chart, "draw", lambda _: 1 / 0)
    monkeypatch.setattr(panel.watch.display, "begin", lambda *_: None)
    panel.launch()
    assert panel.wait(WAIT_S).stop.status is Status.COMPLETED
    assert not panel.running
    assert "could not draw the run" in caplog.text


def test_close_ends_a_run_that_goes_on(gated):
    panel = LaunchPanel(backend=gated)
    handle = panel.launch()
    panel.close()
    assert handle.status is Status.ABORTED


def test_the_text_of_a_panel_is_the_same_every_time(panel):
    assert panel._repr_mimebundle_()["text/plain"] == "LaunchPanel(nothing launched)"
    panel.set(max_iters=2)
    panel.launch()
    panel.wait(WAIT_S)
    assert repr(panel) == "LaunchPanel(completed, 3 passes)"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"colour": 1}, "no setting 'colour'"),
        ({"backend": "xen"}, "backend must be one of local, sim"),
        ({"workload": "busy"}, "workload must be one of"),
        ({"memory_mib": 3}, "memory must be at least 16"),
        ({"min_remaining": "50"}, "min_remaining must be a whole number"),
        ({"max_iters": -1}, "max_iters must lie between 0"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_a_sentence(settings, said):
    with pytest.raises(InvalidValueError, match=said):
        LaunchPanel(**settings)


def _noting(made, init):
    def noted(backend):
        init(backend)
        made.append(id(backend))

    return noted


def test_the_command_that_does_the_same_is_shown_and_follows_the_controls(panel):
    panel.set(min_remaining=123, memory_mib=64)
    words = shlex.split(panel.command)
    assert words[:2] == ["xlkit", "migrate"]
    assert words[words.index("--min_remaining") + 1] == "123"
    assert panel.command in html.unescape(panel.line.value)


def test_the_command_shown_is_one_that_runs(panel, monkeypatch):
    panel.set(memory_mib=16, workload="sweep")
    with pytest.raises(SystemExit) as left:
        main([*shlex.split(panel.command)[1:]])
    assert left.value.code == 0
    assert panel.controls.describes(RunStore()[-1])


def test_the_line_of_xl_is_shown_for_a_xen_host():
    backend = XlBackend(way="native")
    panel = LaunchPanel(backend=backend, domain="web01", destination="hostb", min_remaining=500)
    assert panel.command == "xl -vvv migrate --max_iters 5 --min_remaining 500 web01 hostb"


def test_a_dry_run_starts_nothing_and_says_so(panel, own_store):
    panel.extra["dry_run"].click()
    assert "Nothing was started" in panel.watch.display.status.value
    assert len(RunStore(own_store)) == 0


def test_knobs_are_proposed_for_a_pause_budget_by_earlier_runs(panel):
    for _ in range(2):
        panel.launch()
        panel.wait(WAIT_S)
    panel.budget.value = 100
    panel.extra["propose"].click()
    assert panel.controls.rule.policy() == panel.propose(100).policy
    assert panel.controls.min_remaining.value > 500
    panel.launch()
    assert panel.wait(WAIT_S).stop.downtime_s < 0.1


def test_knobs_are_not_proposed_by_runs_of_another_guest(panel):
    panel.launch()
    panel.wait(WAIT_S)
    panel.set(dirty_rate_pages_s=777)
    panel.extra["propose"].click()
    assert "No earlier run of this guest" in panel.watch.display.status.value


def test_a_budget_that_cannot_be_kept_leaves_the_knobs_and_says_what_would_help():
    with LaunchPanel(backend="sim", workload="uniform", dirty_rate_pages_s=100_000, max_iters=10) as panel:
        for _ in range(2):
            panel.launch()
            panel.wait(WAIT_S)
        advice = panel.propose(20)
    assert advice.min_remaining is None
    assert panel.controls.rule.policy().max_iters == 10
    assert "bandwidth" in panel.advice.value
