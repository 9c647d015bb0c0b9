"""Xen's rule and the other rules, each at the call at which it fires and at the one before."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlkit.errors import InvalidValueError
from xlkit.model import Decision, PrecopyStats, StopReason
from xlkit.policies import (
    POLICIES,
    DowntimeBudgetPolicy,
    LegacyXenPolicy,
    NoProgressPolicy,
    RecordedPolicy,
    SusePolicy,
    ThresholdPolicy,
    TimeLimitPolicy,
    XcpNgPolicy,
    XenServerPolicy,
    from_settings,
    to_settings,
)
from xlkit.testing import PolicyContract

CONTINUE, STOP, ABORT = Decision.CONTINUE, Decision.STOP_AND_COPY, Decision.ABORT
UNKNOWN = None
COUNTED = [ThresholdPolicy, SusePolicy, LegacyXenPolicy]


class TestThresholdPolicy(PolicyContract):
    def make_policy(self) -> ThresholdPolicy:
        return ThresholdPolicy(min_remaining=500, max_iters=30)


class TestSusePolicy(PolicyContract):
    def make_policy(self) -> SusePolicy:
        return SusePolicy(max_iters=2)


class TestLegacyXenPolicy(PolicyContract):
    def make_policy(self) -> LegacyXenPolicy:
        return LegacyXenPolicy()


class TestXenServerPolicy(PolicyContract):
    def make_policy(self) -> XenServerPolicy:
        return XenServerPolicy()


class TestXcpNgPolicy(PolicyContract):
    def make_policy(self) -> XcpNgPolicy:
        return XcpNgPolicy()


class TestDowntimeBudgetPolicy(PolicyContract):
    def make_policy(self) -> DowntimeBudgetPolicy:
        return DowntimeBudgetPolicy(downtime_s=0.3, fixed_s=0.01)


class TestNoProgressPolicy(PolicyContract):
    def make_policy(self) -> NoProgressPolicy:
        return NoProgressPolicy(least_shrink=0.2)


class TestTimeLimitPolicy(PolicyContract):
    def make_policy(self) -> TimeLimitPolicy:
        return TimeLimitPolicy(limit_s=60)


class TestAbortingTimeLimitPolicy(PolicyContract):
    def make_policy(self) -> TimeLimitPolicy:
        return TimeLimitPolicy(limit_s=60, on_limit=Decision.ABORT)


def moment(iteration: int = 1, dirty_pages: int | None = 1000, written: int = 0, **more: Any) -> PrecopyStats:
    return PrecopyStats(iteration=iteration, dirty_pages=dirty_pages, total_written_pages=written, **more)


def stops(policy: Any, *moments: PrecopyStats) -> list[bool]:
    return [policy.decide(one) is not CONTINUE for one in moments]


def test_every_policy_is_proved_by_the_contract() -> None:
    proved = {
        type(contract().make_policy()) for contract in PolicyContract.__subclasses__() if "Test" in contract.__name__
    }
    assert set(POLICIES.values()) <= proved


def test_few_pages_are_strictly_fewer_than_min_remaining() -> None:
    assert stops(ThresholdPolicy(50, 5), *(moment(1, count) for count in (0, 49, 50, 51))) == [True, True, False, False]


def test_passes_are_enough_at_max_iters_whether_or_not_the_count_is_known() -> None:
    policy = ThresholdPolicy(50, 5)
    assert stops(policy, moment(4, UNKNOWN), moment(5, UNKNOWN), moment(5, 1000)) == [False, True, True]


def test_an_unknown_count_is_not_few_pages() -> None:
    assert ThresholdPolicy(50, 5).decide(moment(1, UNKNOWN)) is CONTINUE


def test_few_pages_are_the_reason_where_both_rules_fire() -> None:
    assert ThresholdPolicy(50, 5).reason(moment(5, 3)) is StopReason.MIN_REMAINING
    assert ThresholdPolicy(50, 5).reason(moment(5, UNKNOWN)) is StopReason.MAX_ITERS


def test_xen_s_defaults_are_50_pages_and_5_passes() -> None:
    assert (ThresholdPolicy().min_remaining, ThresholdPolicy().max_iters) == (50, 5)


def test_0_asks_for_the_default_of_every_count() -> None:
    for kind in COUNTED:
        counts = {one.name: 0 for one in fields(kind)}
        assert kind(**counts) == kind()
    assert DowntimeBudgetPolicy(1.0, max_iters=0).max_iters == 30


@pytest.mark.parametrize("kind", COUNTED)
@pytest.mark.parametrize("value", ["50", "5 pages", "", 50.0, 2.5, -1, 2**32, True, None, [50], float("nan")])
@pytest.mark.parametrize("knob", ["min_remaining", "max_iters"])
def test_what_atoi_would_take_silently_is_refused_by_name(kind: Any, knob: str, value: object) -> None:
    with pytest.raises(InvalidValueError, match=knob):
        kind(**{knob: value})


def test_the_largest_number_that_xen_can_hold_is_taken() -> None:
    assert ThresholdPolicy(2**32 - 1, 2**32 - 1).max_iters == 2**32 - 1


def test_a_number_of_an_array_becomes_a_plain_one() -> None:
    policy = ThresholdPolicy(np.int64(70), np.uint8(7))
    assert to_settings(policy) == {"name": "threshold", "min_remaining": 70, "max_iters": 7}
    assert {type(policy.min_remaining), type(policy.max_iters)} == {int}


def test_suse_counts_the_passes_only_where_the_dirty_count_is_known() -> None:
    policy = SusePolicy(max_iters=2)
    assert stops(policy, moment(2, UNKNOWN), moment(1), moment(2), moment(99, UNKNOWN)) == [False, False, True, False]
    assert SusePolicy().max_iters == 1


def test_the_legacy_rule_looks_at_what_went_out_and_not_at_what_is_dirty() -> None:
    policy = LegacyXenPolicy()
    assert stops(policy, moment(1, 3), moment(1, UNKNOWN, last_sent_pages=49)) == [False, True]
    assert stops(policy, moment(1, UNKNOWN, last_sent_pages=50)) == [False]


def test_the_legacy_rule_stops_after_29_passes_or_beyond_3_times_the_memory() -> None:
    policy, sizes = LegacyXenPolicy(), {"memory_pages": 1000, "last_sent_pages": 900}
    assert stops(policy, moment(28, UNKNOWN, **sizes), moment(29, UNKNOWN, **sizes)) == [False, True]
    assert stops(policy, moment(4, UNKNOWN, 3000, **sizes), moment(4, UNKNOWN, 3001, **sizes)) == [False, True]
    assert policy.reason(moment(4, UNKNOWN, 3001, **sizes)) is StopReason.MAX_FACTOR


def test_xenserver_looks_at_the_pass_before_and_never_at_pass_0() -> None:
    few, many = {"last_sent_pages": 49}, {"last_sent_pages": 50}
    policy = XenServerPolicy()
    assert stops(policy, moment(1, UNKNOWN, **few), moment(2, UNKNOWN, **few)) == [False, True]
    assert stops(policy, moment(4, UNKNOWN, **many), moment(5, UNKNOWN, **many)) == [False, True]
    assert stops(policy, moment(2, 3, **few)) == [False]


def test_xcp_ng_takes_50_pages_for_few_and_a_slow_pass_for_the_last() -> None:
    policy = XcpNgPolicy()
    assert stops(policy, *(moment(2, UNKNOWN, last_sent_pages=count) for count in (50, 51))) == [True, False]
    slow = [moment(2, UNKNOWN, last_sent_pages=900, last_pass_s=last_s) for last_s in (0.5, 0.51)]
    assert stops(policy, *slow) == [False, True]
    assert stops(policy, moment(1, UNKNOWN, last_sent_pages=900, last_pass_s=9.0)) == [False]


def test_a_budget_stops_when_the_dirty_pages_fit_at_the_measured_bandwidth() -> None:
    policy = DowntimeBudgetPolicy(downtime_s=0.5, fixed_s=0.25)
    measured = {"last_sent_pages": 1024, "last_pass_s": 1.0}
    assert stops(policy, moment(1, 256, **measured), moment(1, 257, **measured)) == [True, False]
    assert policy.reason(moment(1, 256, **measured)) is StopReason.DOWNTIME_BUDGET


def test_a_budget_waits_for_a_measured_bandwidth() -> None:
    policy = DowntimeBudgetPolicy(downtime_s=0.5)
    assert stops(policy, moment(0, 1), moment(1, 1, last_sent_pages=0, last_pass_s=0.0)) == [False, False]
    assert stops(policy, moment(30, 1)) == [True]


def test_no_progress_stops_when_the_dirty_set_hardly_shrinks() -> None:
    policy = NoProgressPolicy(least_shrink=0.25)
    assert stops(policy, moment(1, 750, last_sent_pages=1000), moment(1, 751, last_sent_pages=1000)) == [False, True]
    assert policy.reason(moment(1, 751, last_sent_pages=1000)) is StopReason.NO_PROGRESS
    assert stops(policy, moment(0, 1000), moment(1, 49, last_sent_pages=1000)) == [False, True]


@pytest.mark.parametrize("answer", [STOP, ABORT])
def test_a_time_limit_answers_as_told_from_the_limit_on(answer: Decision) -> None:
    policy = TimeLimitPolicy(limit_s=10, on_limit=answer)
    assert [policy.decide(moment(2, elapsed_s=now_s)) for now_s in (9.9, 10.0)] == [CONTINUE, answer]
    assert policy.reason(moment(2, elapsed_s=10.0)) is StopReason.TIME_LIMIT


def test_a_time_limit_does_not_abort_a_guest_that_converged() -> None:
    policy = TimeLimitPolicy(limit_s=10, on_limit=ABORT)
    assert policy.decide(moment(2, 49, elapsed_s=99.0)) is STOP
    assert policy.decide(moment(30, UNKNOWN, elapsed_s=99.0)) is STOP


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (DowntimeBudgetPolicy, {"downtime_s": 0}),
        (DowntimeBudgetPolicy, {"downtime_s": 0.1, "fixed_s": 0.1}),
        (DowntimeBudgetPolicy, {"downtime_s": float("nan")}),
        (DowntimeBudgetPolicy, {"downtime_s": float("inf")}),
        (NoProgressPolicy, {"least_shrink": 1}),
        (NoProgressPolicy, {"least_shrink": -0.1}),
        (TimeLimitPolicy, {"limit_s": 0}),
        (TimeLimitPolicy, {"limit_s": float("inf")}),
    ],
)
def test_times_and_shares_out_of_range_are_refused(kind: Any, settings: dict[str, float]) -> None:
    with pytest.raises(InvalidValueError, match=next(iter(settings))):
        kind(**settings)


@given(st.integers(1, 2**32 - 1), st.integers(1, 2**32 - 1))
def test_settings_come_back_as_the_same_policy(min_remaining: int, max_iters: int) -> None:
    for kind in (ThresholdPolicy, SusePolicy):
        policy = kind(min_remaining, max_iters)
        assert from_settings(to_settings(policy)) == policy


def test_an_aborting_time_limit_comes_back_from_plain_text() -> None:
    settings = to_settings(TimeLimitPolicy(60, on_limit=ABORT)) | {"on_limit": "abort"}
    assert from_settings(settings) == TimeLimitPolicy(60, on_limit=ABORT)


@pytest.mark.parametrize("settings", [{"name": "of_a_later_version", "knob": 3}, {"name": "threshold", "knob": 3}, {}])
def test_an_unknown_policy_keeps_its_settings_and_cannot_decide(settings: dict[str, Any]) -> None:
    policy = from_settings(settings)
    assert isinstance(policy, RecordedPolicy)
    assert to_settings(policy) == {"name": "unknown"} | settings
    with pytest.raises(InvalidValueError, match=policy.name):
        policy.decide(moment())


def test_a_policy_that_is_no_dataclass_is_recorded_by_name() -> None:
    assert to_settings(object()) == {"name": "object"}


def test_a_policy_is_shown_in_a_notebook_with_its_settings():
    shown = ThresholdPolicy(min_remaining=123)._repr_html_()
    assert "policy threshold" in shown
    assert "<td>123</td>" in shown
