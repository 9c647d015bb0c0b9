from dataclasses import replace
from pathlib import Path

import pytest

from tests.records import a_pass, a_run, a_start, a_stop
from xlkit.backends.sim import SimBackend
from xlkit.engine.workload import Uniform
from xlkit.errors import InvalidValueError
from xlkit.forecasts import learn
from xlkit.model import Migration, Run, Status, StopReason
from xlkit.policies import ThresholdPolicy
from xlkit.runner import run
from xlkit.store import RunStore, read_runs

LAB = Path(__file__).parents[2] / "data" / "runs" / "xen_lab.parquet"


def simulated(store: RunStore, policy: ThresholdPolicy, **settings: object) -> Run:
    backend = SimBackend(**{"workload": Uniform(rate_pages_s=5_000), **settings})
    return run(Migration("demo"), policy, backend, store=store)


def begun(passes: int, **changes: object) -> Run:
    stop = a_stop(status=Status.RUNNING, stop_reason=StopReason.UNKNOWN, ended_s=None, downtime_s=None)
    done = tuple(a_pass(number, **changes) for number in range(passes))
    return Run(start=a_start("b"), iterations=done, stop=stop)


def test_the_simulators_own_settings_are_learned_back(tmp_path):
    learned = learn(simulated(RunStore(tmp_path), ThresholdPolicy(max_iters=9)))
    assert learned.bandwidth_bytes_s.likely == pytest.approx(125e6, rel=1e-4)
    assert learned.pass_s.likely == pytest.approx(2e-4, rel=0.05)
    assert learned.fixed_downtime_s.likely == pytest.approx(1e-4 + 1e-4 + 3e-4 + 2e-4, rel=0.05)
    assert learned.suspend_s.likely == pytest.approx(1e-4, rel=0.05)
    assert learned.wait_s.likely == pytest.approx(1e-3, rel=0.05)
    assert float(learned.curve.pages(0.05)) == pytest.approx(250, rel=0.1)
    assert learned.assumed == ()


def test_more_runs_that_agree_make_the_ranges_narrower(tmp_path):
    store = RunStore(tmp_path)
    one = learn(simulated(store, ThresholdPolicy(max_iters=9))).bandwidth_bytes_s
    for iters in (3, 4, 5):
        simulated(store, ThresholdPolicy(max_iters=iters))
    many = learn(store).bandwidth_bytes_s
    assert many.high / many.low < one.high / one.low


def test_pass_0_of_a_xen_guest_has_a_bandwidth_of_its_own():
    learned = learn(read_runs(LAB)[:2])
    assert (learned.memory_pages, learned.first_pages) == (24_576, 1_044_480)
    assert learned.first_bandwidth_bytes_s.high < learned.bandwidth_bytes_s.low
    assert not learned.bytes_known
    assert learned.page_bytes == 4096


def test_a_run_that_is_going_on_teaches_its_passes_and_assumes_the_rest():
    learned = learn(None, begun=begun(2))
    assert learned.runs == ("b",)
    assert [one.dirty_pages for one in learned.seen] == [500]
    assert "fixed_downtime_s" in learned.assumed


def test_a_heartbeat_tells_the_rate_before_any_set_was_read():
    learned = learn(None, begun=begun(1, heartbeat_begun_s=0.0, heartbeat_pages=(11,) * 700))
    assert learned.written_pages_s == 10_000
    assert float(learned.curve.pages(0.01)) == pytest.approx(100)
    assert "curve" in learned.assumed


def test_the_run_that_is_going_on_counts_once_when_the_history_holds_it_too():
    assert learn([a_run("a"), begun(2)], begun=begun(2)).runs == ("a", "b")


def test_unknown_downtime_is_not_taken_for_none():
    unknown = replace(a_run(), stop=a_stop(downtime_s=None))
    assert "fixed_downtime_s" in learn(unknown).assumed


def test_with_nothing_to_learn_from_it_says_what_to_give():
    with pytest.raises(InvalidValueError, match="at least one timed pass"):
        learn([])


def test_one_pass_without_a_heartbeat_does_not_tell_how_fast_the_guest_writes():
    with pytest.raises(InvalidValueError, match="how fast the guest writes"):
        learn(None, begun=begun(1))


def test_a_guest_of_unknown_size_must_be_told():
    start = a_start(setup=replace(a_start().setup, memory_pages=None))
    lost = Run(start=start, iterations=(a_pass(1), a_pass(2)), stop=a_stop())
    with pytest.raises(InvalidValueError, match="give memory_pages"):
        learn(lost)
    assert learn(lost, memory_pages=1000).memory_pages == 1000


def test_what_is_no_run_is_refused():
    with pytest.raises(InvalidValueError, match="Wanted runs"):
        learn("run")


def test_what_a_pass_sent_stands_for_a_set_that_is_not_known():
    passes = (a_pass(0), a_pass(1, dirty_pages=None), a_pass(2, dirty_pages=None, sent_pages=200))
    run = Run(start=a_start(), iterations=passes, stop=a_stop())
    assert [(one.iteration, one.window_s, one.dirty_pages) for one in learn(run).seen] == [(1, 1.0, 500), (2, 1.0, 200)]


def test_after_passes_that_are_missing_a_window_is_not_known():
    passes = (a_pass(0), a_pass(1), a_pass(3, dirty_pages=None), a_pass(4, dirty_pages=None), a_pass(5))
    run = Run(start=a_start(), iterations=passes, stop=a_stop())
    assert 3 not in {one.iteration for one in learn(run).seen}
    assert 4 not in {one.iteration for one in learn(run).seen}


def test_a_final_set_of_the_same_number_as_the_last_live_one_is_seen_too():
    runs = list(read_runs(LAB))[:1]
    assert [one.dirty_pages for one in learn(runs).seen] == [664, 48, 325]
