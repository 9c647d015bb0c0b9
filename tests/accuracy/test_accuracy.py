"""The benchmark's own rules, on the simulator: what is forecast from what, and how the table is made."""

from dataclasses import replace

import pytest

from tests.accuracy import qemu
from tests.accuracy.cases import LINKS, MEMORY, POLICIES, ROUNDS, WORKLOADS, Case, cases
from tests.accuracy.record import recorded
from tests.accuracy.score import HISTORY, UNDER_WAY, after_passes, converges, forecasts, score
from tests.accuracy.table import Goal, goals, lines, worst
from xlkit.backends.sim import SimBackend
from xlkit.forecasts import MODELS, forecast
from xlkit.model import Migration
from xlkit.runner import run
from xlkit.store import RunStore, read_runs

pytestmark = pytest.mark.slow

HEAVY = "uniform, heavy"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    kept = RunStore(tmp_path_factory.mktemp("runs"))
    for case in cases():
        if case.workload in {HEAVY, "idle"} and case.link == LINKS[1]:
            backend = SimBackend(memory=MEMORY, bandwidth=case.link, workload=WORKLOADS[case.workload], noise=0.01)
            run(Migration("accuracy"), POLICIES[case.policy], backend, store=kept, labels=case.labels)
    return kept


def test_there_are_eight_workloads_three_links_and_three_policies():
    assert (len(WORKLOADS), len(LINKS), len(POLICIES)) == (8, 3, 3)
    assert len(list(cases())) == 8 * 3 * ROUNDS


def test_a_run_is_forecast_from_the_two_before_it_which_are_under_other_policies(store):
    for told in forecasts(recorded(store)):
        if told.source == HISTORY:
            earlier = [store[run_id] for run_id in told.run.start.forecast.learned_from]
            assert len(earlier) == 2
            assert told.run.start.policy not in [one.start.policy for one in earlier]
            assert all(one.run_id < told.run.run_id for one in earlier)
            assert {one.start.labels["workload"] for one in earlier} == {told.case.workload}


def test_under_way_a_forecast_knows_two_passes_and_no_other_run(store):
    for told in forecasts(recorded(store)):
        if told.source == UNDER_WAY:
            assert told.run.start.forecast.passes_known == 2
            assert told.run.start.forecast.learned_from == (told.run.run_id,)


def test_each_policy_is_forecast_once_for_each_workload_and_link(store):
    told = [(one.case.workload, one.case.policy) for one in forecasts(recorded(store)) if one.source == HISTORY]
    assert sorted(set(told)) == sorted((workload, policy) for workload in (HEAVY, "idle") for policy in POLICIES)
    assert len(told) == 2 * 2 * len(POLICIES)


def test_the_latest_run_of_a_case_counts_and_runs_without_a_case_do_not(store, tmp_path):
    other = RunStore(tmp_path)
    first = store[0]
    again = replace(first, start=replace(first.start, run_id="later"))
    for one in (first, again, replace(first, start=replace(first.start, run_id="none", labels={}))):
        other.add(one)
    assert [one.run_id for one in recorded(other).values()] == ["later"]


def test_a_set_that_stays_as_large_does_not_converge(store):
    runs = recorded(store)
    assert not converges(runs[Case(HEAVY, LINKS[1], 1)])
    assert converges(runs[Case("idle", LINKS[1], 1)])


def test_the_table_has_a_line_a_goal_and_says_what_missed(store):
    scored = score(forecasts(recorded(store)))
    made = list(lines(scored, goals()))
    assert len(made) == len(list(goals()))
    assert not made[0][1]
    never = Goal(what="never", chosen=lambda all_: all_, quantity="total_s", figure="median", most=0)
    (line, missed), *_ = lines(scored, iter([never]))
    assert missed
    assert line.endswith("MISSED")
    assert any(HEAVY in line for line in worst(scored))


def test_a_read_only_load_recorded_on_qemu_is_told_not_to_stop_by_itself():
    run_ = next(one for one in read_runs(qemu.RUNS) if one.start.labels["scenario"] == qemu.READS)
    begun = after_passes(run_, 3)
    told = {model: forecast(None, run_.start.migration, qemu.OWN_RULE, begun=begun, model=model) for model in MODELS}
    assert told["curve"].total_s is None
    assert told["constant_rate"].total_s.high < 0.4 * run_.stop.ended_s
