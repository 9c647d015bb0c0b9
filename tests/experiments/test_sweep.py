"""sweep(): resumed without repeating or losing a run, within budgets, to and fro, alike in any number of processes."""

import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.records import ScriptedBackend, a_final_pass, a_pass, a_stop
from xlkit import frames
from xlkit.backends.sim import SimBackend
from xlkit.errors import InvalidValueError, MigrationError, PreflightError, UndefinedOutcomeError
from xlkit.experiments import Budget, EarlyStop, Plan, sweep
from xlkit.model import Migration, Side, Status, StopReason
from xlkit.store import RunStore

NOISY = {"steady": partial(SimBackend, memory="16MiB", noise=0.1)}
TO_HOSTB = Migration("web1", "hostb", source="hosta")


def a_plan(**changes):
    asked = {"name": "x", "policies": Plan.grid([50, 500], [5]), "workloads": ["steady"], "repetitions": 3}
    return Plan(**{**asked, **changes})


def ending(**stop):
    """Make backends whose runs all end in the same way."""

    def script(policy):
        yield a_pass(0)
        yield a_final_pass(1)
        yield a_stop(**stop)

    return {"steady": lambda seed: ScriptedBackend(script)}


def same(runs):
    """Leave the name and the time of runs away."""
    return [replace(run, start=replace(run.start, run_id="", started_at=None)) for run in runs]


class Domain:
    """Two hosts and a guest that is on one of them."""

    def __init__(self):
        self.at, self.went = "hosta", []
        self.ends = []

    def backend(self, seed):
        return StandingBackend(self)


class StandingBackend(ScriptedBackend):
    """Migrates a guest that is there before and after, and refuses where it is not."""

    def __init__(self, domain):
        super().__init__()
        self.domain = domain

    def attach(self, run, policy):
        raise NotImplementedError

    def preflight(self, migration):
        if migration.source != self.domain.at:
            raise PreflightError(f"No domain {migration.domain} on {migration.source}.")
        return super().preflight(migration)

    def migrate(self, migration, policy):
        self.domain.went.append((migration.source, migration.destination))
        stop = self.domain.ends.pop(0) if self.domain.ends else a_stop()
        yield a_pass(0)
        if stop.runs_at is Side.DESTINATION:
            self.domain.at = migration.destination
            yield a_final_pass(1)
        yield stop
        if stop.status is Status.FAILED:
            raise MigrationError("failed")
        if stop.status is Status.UNDEFINED:
            raise UndefinedOutcomeError("nobody knows")


def test_every_planned_run_is_made_in_its_order_and_says_which_it_is():
    plan = a_plan()
    result = sweep(plan, NOISY)
    told = [(run.start.labels["cell"], run.start.labels["repetition"]) for run in RunStore()]
    assert told == [(one.cell.name, str(one.repetition)) for one in plan.order()]
    assert {(run.start.labels["experiment"], run.start.labels["plan"]) for run in result} == {("x", plan.digest)}
    assert result.complete
    assert len(frames.summary(result)) == 6


def test_a_workload_without_a_backend_is_refused():
    with pytest.raises(InvalidValueError, match="workload steady has no backend"):
        sweep(a_plan(), {})


def test_what_is_done_is_not_done_again():
    first = sweep(a_plan(), NOISY)
    again = sweep(a_plan(), NOISY)
    assert [run.run_id for run in again] == [run.run_id for run in first]
    assert len(RunStore()) == 6


def test_more_repetitions_go_on_from_those_that_are_there():
    sweep(a_plan(repetitions=1), NOISY)
    assert len(sweep(a_plan(), NOISY)) == len(RunStore()) == 6


def test_a_plan_that_changed_under_its_name_is_refused_unless_asked_to_go_on():
    sweep(a_plan(), NOISY)
    changed = a_plan(policies=Plan.grid([50, 900], [5]))
    with pytest.raises(InvalidValueError, match="whose plan was another"):
        sweep(changed, NOISY)
    assert len(sweep(changed, NOISY, go_on=True)) == 6
    assert len(RunStore()) == 9, "the cell that did not change keeps its three runs"


def test_an_interrupt_aborts_the_run_and_the_sweep_goes_on_afterwards():
    def script(policy):
        yield a_pass(0)
        os.kill(os.getpid(), signal.SIGINT)
        for number in range(1, 10_000):
            if policy.abort_requested():
                yield a_stop(status=Status.ABORTED, stop_reason=StopReason.ABORTED, runs_at=Side.SOURCE)
                return
            yield a_pass(number, dirty_pages=1)

    with pytest.raises(KeyboardInterrupt):
        sweep(a_plan(), {"steady": lambda seed: ScriptedBackend(script)})
    assert [run.stop.status for run in RunStore()] == [Status.ABORTED]
    result = sweep(a_plan(), ending())
    assert (len(result), len(result.failed), result.complete) == (6, 1, True)


KILLED = """
import os, signal, sys
from tests.experiments.test_sweep import a_plan
from tests.records import ScriptedBackend, a_final_pass, a_pass, a_stop
from xlkit.experiments import sweep
made = 0
def make(seed):
    global made
    made += 1
    number = made
    def script(policy):
        yield a_pass(0)
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        yield a_final_pass(1)
        yield a_stop()
    return ScriptedBackend(script)
sweep(a_plan(), {"steady": make})
"""


def test_a_sweep_that_is_killed_goes_on_without_repeating_or_losing_a_run():
    killed = subprocess.run([sys.executable, "-c", KILLED], cwd=Path(__file__).parents[2], check=False)
    assert killed.returncode == -signal.SIGKILL
    done = [run.run_id for run in RunStore()][:2]
    result = sweep(a_plan(), ending())
    assert [run.stop.status for run in RunStore()] == [Status.COMPLETED] * 2 + [Status.INCOMPLETE] + [
        Status.COMPLETED
    ] * 4
    assert [run.run_id for run in result][:2] == done
    assert (len(result), len(result.failed), result.complete) == (6, 1, True)


def test_a_cell_that_fails_twice_is_given_up_and_the_others_go_on():
    def script(policy):
        yield a_pass(0)
        if policy.policy.min_remaining == 500:
            raise MigrationError("no")
        yield a_final_pass(1)
        yield a_stop()

    result = sweep(a_plan(), {"steady": lambda seed: ScriptedBackend(script)})
    assert [cell.policy.min_remaining for cell in result.given_up] == [500]
    assert (len(result), len(result.failed), result.complete) == (3, 2, False)


def test_a_cell_that_fails_once_is_tried_again_at_the_end_of_its_block():
    failures = [MigrationError("once")]

    def script(policy):
        yield a_pass(0)
        if failures:
            raise failures.pop()
        yield a_final_pass(1)
        yield a_stop()

    result = sweep(a_plan(), {"steady": lambda seed: ScriptedBackend(script)})
    assert (len(result), len(result.failed), result.complete) == (6, 1, True)
    assert [run.start.labels["repetition"] for run in RunStore()] == ["0", "0", "0", "1", "1", "2", "2"]


@settings(max_examples=25)
@given(costs=st.lists(st.floats(0.001, 1.0), min_size=3, max_size=3), budget=st.floats(0, 6), runs=st.integers(0, 12))
def test_no_budget_is_passed_by_what_runs_are_known_to_cost(costs, budget, runs):
    spent = dict(zip((1, 2, 3), costs, strict=True))

    def script(policy):
        yield a_pass(0)
        yield a_final_pass(1)
        yield a_stop(downtime_s=spent[policy.policy.min_remaining])

    asked = Budget(runs=runs, downtime_s=budget, first_downtime_s=max(costs))
    plan = a_plan(policies=Plan.grid(spent, [5]), repetitions=4, budget=asked)
    with tempfile.TemporaryDirectory() as folder:
        result = sweep(plan, {"steady": lambda seed: ScriptedBackend(script)}, store=RunStore(folder))
        told = [run.stop.downtime_s for run in RunStore(folder)]
    assert len(told) <= runs
    assert sum(told) <= budget + 1e-9
    assert bool(result.stopped_by) is (len(told) < 12)


def test_a_run_that_does_not_tell_its_downtime_is_charged_the_worst_known():
    ends = [a_stop(downtime_s=1.0)] + [a_stop(downtime_s=None)] * 5

    def script(policy):
        yield a_pass(0)
        yield a_final_pass(1)
        yield ends.pop(0)

    told = []
    plan = a_plan(budget=Budget(downtime_s=3.5))
    result = sweep(plan, {"steady": lambda seed: ScriptedBackend(script)}, progress=told.append)
    assert len(result) == 3
    assert "3.5 s of downtime does not cover" in result.stopped_by
    assert told[-1].downtime_s == 3.0


def test_a_run_in_flight_when_the_time_is_over_is_finished_and_no_other_is_begun(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("xlkit.experiments._sweep.time.monotonic", lambda: now[0])

    def script(policy):
        yield a_pass(0)
        now[0] += 10
        yield a_final_pass(1)
        yield a_stop()

    result = sweep(a_plan(budget=Budget(wall_s=5)), {"steady": lambda seed: ScriptedBackend(script)})
    assert [run.stop.status for run in RunStore()] == [Status.COMPLETED]
    assert "What is left of 5 s does not cover a run" in result.stopped_by


def test_a_larger_budget_goes_on_where_the_smaller_ended():
    assert len(sweep(a_plan(budget=Budget(runs=4)), NOISY)) == 4
    assert len(sweep(a_plan(budget=Budget(runs=20)), NOISY)) == len(RunStore()) == 6


@pytest.mark.parametrize(("half_width", "runs"), [(0.5, 3), (1e-9, 8)])
def test_a_cell_stops_early_once_its_interval_is_tight(half_width, runs):
    plan = a_plan(repetitions=8, early_stop=EarlyStop(of="total_s", half_width=half_width))
    result = sweep(plan, NOISY)
    assert [len(result.of(cell)) for cell in plan.cells()] == [runs, runs]
    assert len(result.tight) == (2 if runs == 3 else 0)
    assert result.complete


def test_runs_are_the_same_whatever_the_number_of_processes(tmp_path):
    early = EarlyStop(of="total_s", half_width=0.03)
    plan = a_plan(repetitions=5, early_stop=early, budget=Budget(runs=8))
    alone, several = RunStore(tmp_path / "a"), RunStore(tmp_path / "b")
    one = sweep(plan, NOISY, store=alone)
    two = sweep(plan, NOISY, store=several, jobs=2)
    assert same(one) == same(two)
    assert same(alone[run.run_id] for run in one) == same(several[run.run_id] for run in two)
    assert (one.stopped_by, one.tight) == (two.stopped_by, two.tight)


def test_runs_that_take_time_are_not_made_at_once():
    with pytest.raises(InvalidValueError, match="Only simulated runs"):
        sweep(a_plan(), {"steady": measured}, jobs=2)


def measured(seed):
    backend = ScriptedBackend()
    setup = backend.preflight(TO_HOSTB)
    backend.preflight = lambda migration: replace(setup, origin="measured")
    return backend


def test_measured_runs_settle_and_simulated_ones_do_not(monkeypatch):
    slept = []
    monkeypatch.setattr("xlkit.experiments._sweep.time.sleep", slept.append)
    sweep(a_plan(settle_s=2.5, repetitions=1), {"steady": measured})
    sweep(a_plan(name="y", settle_s=2.5), NOISY)
    assert slept == [2.5]


def test_a_guest_that_outlives_its_migrations_goes_to_and_fro():
    domain = Domain()
    plan = a_plan(migration=TO_HOSTB, repetitions=2)
    sweep(replace(plan, repetitions=1), {"steady": domain.backend})
    domain.at = "hosta"
    sweep(plan, {"steady": domain.backend})
    assert domain.went == [("hosta", "hostb"), ("hostb", "hosta")] * 2


def test_a_guest_that_stayed_at_the_source_is_sent_from_there_again():
    domain = Domain()
    domain.ends = [a_stop(), a_stop(status=Status.FAILED, stop_reason=StopReason.FAILED, runs_at=Side.SOURCE)]
    result = sweep(a_plan(migration=TO_HOSTB, repetitions=1), {"steady": domain.backend})
    assert domain.went == [("hosta", "hostb"), ("hostb", "hosta"), ("hostb", "hosta")]
    assert (len(result), len(result.failed)) == (2, 1)


@pytest.mark.parametrize("status", [Status.UNDEFINED, Status.INCOMPLETE])
def test_a_run_that_lost_the_guest_ends_the_experiment_at_once(status):
    domain = Domain()
    domain.ends = [a_stop(status=status, stop_reason=StopReason.UNKNOWN, runs_at=Side.UNKNOWN)]
    plan = a_plan(migration=TO_HOSTB)
    for _ in range(2):
        with pytest.raises(UndefinedOutcomeError, match="Look at both hosts, hosta and hostb"):
            sweep(plan, {"steady": domain.backend})
    assert len(domain.went) == 1
    domain.at = "hostb"
    assert sweep(plan, {"steady": domain.backend}, guest_at="hostb").complete
    assert domain.went[1] == ("hostb", "hosta")


def test_a_guest_that_is_not_where_it_should_be_ends_the_experiment_before_a_run():
    domain = Domain()
    domain.at = "elsewhere"
    with pytest.raises(PreflightError, match="No domain web1 on hosta"):
        sweep(a_plan(migration=TO_HOSTB), {"steady": domain.backend})
    assert len(RunStore()) == 0


def test_progress_tells_how_much_is_left():
    told = []
    sweep(a_plan(), NOISY, progress=told.append)
    assert [(one.done, one.left) for one in told] == [(done, 6 - done) for done in range(7)]
    assert told[0].left_s is None
    assert told[1].left_s > 0
    assert (told[-1].planned, told[-1].left_s) == (None, 0.0)
