from dataclasses import replace
from pathlib import Path

import pytest

from tests.forecasts.runs import DEMO, after_passes, simulated
from tests.records import a_pass, a_run, a_start, a_stop
from xlkit.engine.workload import Uniform
from xlkit.errors import InvalidValueError
from xlkit.forecasts import MODELS, forecast
from xlkit.model import Decision, Forecast, Migration, PrecopyStats, Range, Run
from xlkit.policies import DowntimeBudgetPolicy, ThresholdPolicy, TimeLimitPolicy, XenServerPolicy
from xlkit.store import RunStore, read_runs

LAB = Path(__file__).parents[2] / "data" / "runs" / "xen_lab.parquet"
NEVER = ThresholdPolicy(min_remaining=1, max_iters=10**6)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    kept = RunStore(tmp_path_factory.mktemp("runs"))
    for policy in (ThresholdPolicy(min_remaining=50, max_iters=3), ThresholdPolicy(min_remaining=2_500, max_iters=9)):
        simulated(kept, policy)
    return kept


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    return simulated(RunStore(tmp_path_factory.mktemp("unseen")), DowntimeBudgetPolicy(downtime_s=0.07))


def told(forecast: Forecast) -> list[Range | None]:
    return [forecast.total_s, forecast.downtime_s, forecast.sent_bytes, forecast.live_passes, forecast.final_pages]


def test_a_run_under_a_policy_that_was_never_seen_costs_what_was_foretold(store, outcome):
    expected = forecast(store, DEMO, DowntimeBudgetPolicy(downtime_s=0.07))
    assert expected.total_s.likely == pytest.approx(outcome.stop.ended_s, rel=0.01)
    assert expected.downtime_s.likely == pytest.approx(outcome.stop.downtime_s, rel=0.1)
    assert outcome.stop.ended_s in expected.total_s
    assert len(outcome.iterations) - 1 in expected.live_passes
    assert (expected.model, expected.passes_known, len(expected.learned_from)) == ("curve", 0, 2)


def test_the_textbooks_model_is_far_off_where_the_rate_depends_on_the_window(store, outcome):
    expected = forecast(store, DEMO, DowntimeBudgetPolicy(downtime_s=0.07), model="constant_rate")
    assert outcome.stop.ended_s not in expected.total_s


def test_the_textbooks_model_makes_passes_that_shrink_by_a_constant_ratio():
    rate = 100
    size = {"dirty_pages": rate, "sent_pages": rate, "sent_bytes": 4096 * rate}
    passes = (a_pass(0, ended_s=1.0), a_pass(1, begun_s=1.0, ended_s=1.1, **size))
    last = a_pass(2, begun_s=1.1, ended_s=1.11, dirty_pages=10, sent_pages=10, sent_bytes=40_960)
    passes = (*passes, last)
    history = Run(start=a_start(), iterations=passes, stop=a_stop())
    expected = forecast(history, DEMO, ThresholdPolicy(min_remaining=1, max_iters=4), model="constant_rate")
    ratio = rate / 1000
    assert expected.total_s.likely == pytest.approx(sum(ratio**k for k in range(4)) + ratio**4, rel=0.02)


def test_the_passes_that_are_known_are_taken_as_they_were(store, outcome):
    begun = after_passes(outcome, 3)
    expected = forecast(store, DEMO, outcome.start.policy, begun=begun)
    assert expected.passes_known == 3
    assert expected.total_s.low > begun.iterations[-1].ended_s
    assert expected.total_s.likely == pytest.approx(outcome.stop.ended_s, rel=0.005)


def test_the_more_passes_are_known_the_narrower_is_the_range(store, outcome):
    spans = []
    for passes in (0, 2, 3):
        begun = after_passes(outcome, passes) if passes else None
        total_s = forecast(store, DEMO, outcome.start.policy, begun=begun).total_s
        spans.append(total_s.high - total_s.low)
    assert spans == sorted(spans, reverse=True)


def test_without_any_history_the_first_two_passes_will_do(outcome):
    expected = forecast(None, DEMO, outcome.start.policy, begun=after_passes(outcome, 2))
    assert outcome.stop.ended_s in expected.total_s
    assert expected.total_s.likely == pytest.approx(outcome.stop.ended_s, rel=0.25)


def test_a_decision_that_was_made_is_not_asked_for_again(outcome):
    begun = after_passes(outcome, 2)
    last = replace(begun.iterations[-1], decision_before=Decision.STOP_AND_COPY, decision_after=None)
    begun = replace(begun, iterations=(begun.iterations[0], last))
    assert forecast(None, DEMO, NEVER, begun=begun).live_passes == Range(low=2, likely=2, high=2)


def test_a_wider_level_gives_a_wider_range_about_the_same_value(store):
    half, most = (forecast(store, DEMO, ThresholdPolicy(), level=level).total_s for level in (0.5, 0.99))
    assert most.low < half.low < half.likely == most.likely < half.high < most.high


@pytest.mark.parametrize("model", MODELS)
def test_the_same_question_has_the_same_answer(store, model):
    one, other = (forecast(store, DEMO, ThresholdPolicy(), model=model) for _ in range(2))
    assert one == other


def test_a_policy_that_never_stops_is_told_to_go_on_for_a_thousand_passes_at_least(store):
    expected = forecast(store, DEMO, NEVER)
    assert expected.live_passes.likely == 1000
    assert expected.total_s is expected.downtime_s is expected.final_pages is None


def test_a_policy_that_will_rather_abort_has_a_total_time_and_no_downtime(store):
    expected = forecast(store, DEMO, TimeLimitPolicy(limit_s=0.6, on_limit=Decision.ABORT, min_remaining=1))
    assert expected.total_s.likely == pytest.approx(0.7, rel=0.2)
    assert expected.downtime_s is expected.final_pages is None


def test_any_policy_with_decide_will_do(store):
    class Never:
        def decide(self, stats: PrecopyStats) -> Decision:
            return Decision.STOP_AND_COPY if stats.iteration == 2 else Decision.CONTINUE

    assert forecast(store, DEMO, Never()).live_passes.likely == 2


def test_twice_the_bandwidth_halves_pass_0(store):
    once, twice = (
        forecast(store, DEMO, ThresholdPolicy(max_iters=1), bandwidth_bytes_s=bytes_s).total_s.likely
        for bytes_s in (125e6, 250e6)
    )
    assert twice < 0.55 * once


def test_a_larger_guest_takes_longer(store):
    small, large = (
        forecast(store, DEMO, ThresholdPolicy(max_iters=1), memory_pages=pages).sent_bytes.likely
        for pages in (16_384, 32_768)
    )
    assert large > small + 16_000 * 4096


def test_pass_0_of_a_xen_guest_is_counted_as_its_frames_and_takes_the_time_of_its_memory():
    runs = list(read_runs(LAB))
    expected = forecast(runs[:2], runs[2].start.migration, runs[2].start.policy)
    assert expected.sent_bytes is None
    assert 20 < expected.total_s.likely < 50
    assert 0.5 < expected.downtime_s.likely < 2.5


def test_a_policy_that_asks_for_the_size_of_the_guest_is_shown_what_pass_0_counts():
    runs = list(read_runs(LAB))
    seen = set()

    class Nosy:
        def decide(self, stats: PrecopyStats) -> Decision:
            seen.add(stats.memory_pages)
            return Decision.STOP_AND_COPY if stats.iteration else Decision.CONTINUE

    forecast(runs[:2], runs[2].start.migration, Nosy())
    assert seen == {1_044_480}


def test_runs_of_another_domain_or_other_hosts_teach_nothing(store):
    with pytest.raises(InvalidValueError, match="nothing to learn from"):
        forecast(store, Migration("other"), ThresholdPolicy())
    with pytest.raises(InvalidValueError, match="nothing to learn from"):
        forecast(store, Migration("demo", "far"), ThresholdPolicy())


def test_runs_the_other_way_between_the_same_hosts_count(tmp_path):
    there = replace(a_run(passes=4), start=a_start(migration=Migration("demo", "b")))
    back = Migration("demo", "localhost", source="b")
    assert forecast(there, back, ThresholdPolicy()).learned_from == (there.run_id,)


def test_a_history_of_another_size_than_the_latest_is_left_out(store, tmp_path):
    large = simulated(RunStore(tmp_path), memory="128MiB", workload=Uniform(rate_pages_s=1_000))
    assert forecast([store, large], DEMO, ThresholdPolicy()).learned_from == (large.run_id,)


def test_a_run_that_has_ended_precopy_is_not_forecast(outcome):
    with pytest.raises(InvalidValueError, match="has ended precopy"):
        forecast(None, DEMO, ThresholdPolicy(), begun=outcome)


def test_a_run_whose_first_passes_are_missing_is_not_forecast(outcome):
    late = replace(after_passes(outcome, 3), iterations=outcome.iterations[1:3])
    with pytest.raises(InvalidValueError, match="do not begin at pass 0"):
        forecast(None, DEMO, ThresholdPolicy(), begun=late)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"model": "oracle"}, "model must be"), ({"level": 1.0}, "level must"), ({"bandwidth_bytes_s": 0}, "positive")],
)
def test_bad_arguments_are_refused_in_a_sentence(store, changes, message):
    with pytest.raises(InvalidValueError, match=message):
        forecast(store, DEMO, ThresholdPolicy(), **changes)


def test_a_policy_that_stops_only_at_no_dirty_page_ends_where_the_guest_allows_it(tmp_path):
    calm = RunStore(tmp_path)
    simulated(calm, ThresholdPolicy(max_iters=6), workload=Uniform(rate_pages_s=500))
    assert forecast(calm, DEMO, XenServerPolicy()).total_s is not None


def test_a_link_whose_passes_differ_in_speed_gives_a_wider_range(store, tmp_path):
    noisy = RunStore(tmp_path)
    for seed in (1, 2):
        simulated(noisy, ThresholdPolicy(max_iters=4), noise=0.1, seed=seed)
    calm, uneven = (forecast(runs, DEMO, ThresholdPolicy()).total_s for runs in (store, noisy))
    assert uneven.high / uneven.low > 1.05 > calm.high / calm.low


def test_a_run_far_on_is_foretold_from_where_its_passes_went_together(tmp_path):
    load = Uniform(rate_pages_s=60_000, working_set_pages=4_000)
    whole = simulated(RunStore(tmp_path), ThresholdPolicy(min_remaining=1, max_iters=25), workload=load, noise=0.1)
    expected = forecast(None, DEMO, whole.start.policy, begun=after_passes(whole, 9))
    assert expected.total_s.likely == pytest.approx(whole.stop.ended_s, rel=0.05)


def test_before_any_set_was_read_a_heartbeat_gives_a_wide_range(outcome):
    beating = replace(outcome.iterations[0], heartbeat_begun_s=0.0, heartbeat_pages=(22,) * 500)
    begun = replace(after_passes(outcome, 1), iterations=(beating,))
    expected = forecast(None, DEMO, outcome.start.policy, begun=begun)
    assert expected.total_s.low < outcome.stop.ended_s < expected.total_s.high
    assert expected.total_s.high > 1.2 * expected.total_s.low
