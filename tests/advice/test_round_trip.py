"""What is advised is run, and keeps the budget."""

import pytest
from hypothesis import Phase, assume, given, settings

from tests.advice.scene import a_guest, budgets, history, links, sweeping, workloads
from tests.replays.scene import record
from xlkit.advice import Verdict, advise
from xlkit.engine.workload import HotCold, Uniform
from xlkit.model import Migration, StopReason
from xlkit.policies import ThresholdPolicy


@given(workloads, links, budgets)
@settings(deadline=None, max_examples=5, phases=[Phase.explicit, Phase.generate])
def test_what_is_advised_keeps_the_budget(workload, link, budget_s):
    backend = a_guest(workload, link)
    told = advise(history(backend), downtime_s=budget_s)
    assume(told.verdict is Verdict.SURE)
    run = record(told.policy, backend)
    assert run.stop.downtime_s <= budget_s
    assert run.stop.stop_reason is StopReason.MIN_REMAINING


@pytest.mark.parametrize("budget_s", [0.001, 0.02, 0.1])
def test_a_guest_that_is_told_not_to_get_there_does_not(budget_s):
    told = advise(history(a_guest()), downtime_s=budget_s)
    assert told.verdict is Verdict.OUT_OF_REACH
    assert record(ThresholdPolicy(told.fits_pages, 100), a_guest()).stop.downtime_s > budget_s


@pytest.mark.slow
@pytest.mark.parametrize("workload", [HotCold(rate_pages_s=30_000, hot_pages=3_000), Uniform(rate_pages_s=12_000)])
@pytest.mark.parametrize("budget_s", [0.0001, 0.001, 0.004])
def test_each_thing_that_is_said_to_help_does(workload, budget_s):
    runs = history(a_guest(workload, "300Mbit/s"))
    told = advise(runs, downtime_s=budget_s)
    bandwidth, _, budget = (one.value for one in told.helps)
    assert budget is None or advise(runs, downtime_s=budget).min_remaining
    assert bandwidth is None or advise(runs, downtime_s=budget_s, bandwidth_bytes_s=bandwidth).min_remaining


def test_less_writing_helps_as_said():
    told = advise(history(a_guest()), downtime_s=0.05)
    share = {one.name: one.value for one in told.helps}["written_share"]
    assert 0 < share < 1
    slower = a_guest(HotCold(rate_pages_s=60_000 * share, hot_pages=5_000))
    again = advise(history(slower), downtime_s=0.05)
    assert again.min_remaining
    assert record(again.policy, slower).stop.downtime_s <= 0.05


def test_a_larger_min_remaining_can_exceed_the_budget():
    told = advise(history(a_guest()), downtime_s=0.18)
    assert record(told.policy, a_guest()).stop.downtime_s <= 0.18
    larger = ThresholdPolicy(round(1.2 * told.min_remaining), told.max_iters)
    assert record(larger, a_guest()).stop.downtime_s > 0.18


def test_a_guest_that_sweeps_its_memory_faster_than_the_link_is_refused():
    told = advise(history(sweeping()), downtime_s=0.05)
    assert (told.verdict, told.min_remaining, told.expected) == (Verdict.OUT_OF_REACH, None, None)
    assert record(ThresholdPolicy(told.fits_pages, 50), sweeping()).stop.downtime_s > 0.05


@pytest.mark.slow
def test_what_is_advised_keeps_the_budget_of_a_real_process(tmp_path):
    from xlkit import LocalBackend, RunStore, run

    store, asked = RunStore(tmp_path), Migration("guest")

    def migrate(policy):
        guest = HotCold(rate_pages_s=10_000, hot_pages=2_000)
        with LocalBackend(memory="128MiB", bandwidth="1Gbit/s", workload=guest) as backend:
            return run(asked, policy, backend, store=store)

    for max_iters in (3, 12):
        migrate(ThresholdPolicy(1, max_iters))
    told = advise(store, downtime_s=0.1)
    done = migrate(told.policy)
    assert done.stop.stop_reason is StopReason.MIN_REMAINING
    assert done.stop.downtime_s <= 0.1
