"""The loop against Xen's own: worked traces, and what becomes of the guest when something fails."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlkit.errors import EngineError, UndefinedOutcomeError
from xlkit.model import Decision, Iteration, Knowledge, Phase, RunStop, Side, Status, StopReason
from xlkit.policies import (
    DowntimeBudgetPolicy,
    LegacyXenPolicy,
    NoProgressPolicy,
    SusePolicy,
    ThresholdPolicy,
    TimeLimitPolicy,
    XcpNgPolicy,
    XenServerPolicy,
)
from xlkit.precopy import precopy
from xlkit.protocols import Policy
from xlkit.testing import AnswersInTurn, ScriptedWorld, Witness, recorded_calls

CONTINUE, STOP, ABORT = Decision.CONTINUE, Decision.STOP_AND_COPY, Decision.ABORT
CONVERGING = (262144, 8000, 900, 40, 12)
EXHAUSTING = (4096, 800, 700, 600, 500, 400)


def begin(world: ScriptedWorld, policy: Policy) -> Iterator[Iteration | RunStop]:
    return precopy(world, world, policy, world.clock, clock_name="script")


def migrate(world: ScriptedWorld, policy: Policy) -> tuple[list[Any], RunStop]:
    *passes, stop = begin(world, policy)
    assert isinstance(stop, RunStop)
    return passes, stop


def calls(policy: Policy, *dirty_pages: int) -> list[tuple[int, int | None, int, Decision]]:
    witness = Witness(policy)
    migrate(ScriptedWorld(*dirty_pages), witness)
    return [(one.iteration, one.dirty_pages, one.total_written_pages, answer) for one, answer in witness.calls]


def test_a_converging_guest_is_stopped_as_by_xen_s_library() -> None:
    assert calls(ThresholdPolicy(50, 5), *CONVERGING) == [
        (0, 262144, 0, CONTINUE),
        (1, None, 262144, CONTINUE),
        (1, 8000, 262144, CONTINUE),
        (2, None, 270144, CONTINUE),
        (2, 900, 270144, CONTINUE),
        (3, None, 271044, CONTINUE),
        (3, 40, 271044, STOP),
    ]


def test_the_set_before_which_it_stops_goes_out_live_and_the_blackout_has_the_same_number() -> None:
    world = ScriptedWorld(*CONVERGING)
    passes, stop = migrate(world, ThresholdPolicy(50, 5))
    assert [(one.iteration, one.phase, one.sent_pages) for one in passes[-2:]] == [
        (3, Phase.PRECOPY, 40),
        (3, Phase.STOP_AND_COPY, 12),
    ]
    assert world.log[-6:] == ["collect_dirty", "send 40", "pause", "collect_dirty", "send 12 paused", "hand_over"]
    assert stop.stop_reason is StopReason.MIN_REMAINING


def test_an_exhausted_budget_is_stopped_as_by_xen_s_library() -> None:
    seen = calls(ThresholdPolicy(50, 5), *EXHAUSTING)
    assert len(seen) == 10
    assert [answer for *_, answer in seen[:-1]] == [CONTINUE] * 9
    assert seen[-1] == (5, None, 6696, STOP)


def test_a_stop_after_a_pass_suspends_at_once() -> None:
    world = ScriptedWorld(*EXHAUSTING)
    passes, stop = migrate(world, ThresholdPolicy(50, 5))
    assert [one.iteration for one in passes] == [0, 1, 2, 3, 4, 5]
    assert [one.phase for one in passes] == [Phase.PRECOPY] * 5 + [Phase.STOP_AND_COPY]
    assert world.log[-5:] == ["send 500", "pause", "collect_dirty", "send 400 paused", "hand_over"]
    assert stop.stop_reason is StopReason.MAX_ITERS


def test_suse_s_rule_with_two_iterations_sends_three_live_passes() -> None:
    seen = calls(SusePolicy(max_iters=2), 4096, 800, 700, 600)
    assert len(seen) == 5
    assert seen[-1] == (2, 700, 4896, STOP)
    passes, _ = migrate(ScriptedWorld(4096, 800, 700, 600), SusePolicy(max_iters=2))
    assert [one.phase for one in passes].count(Phase.PRECOPY) == 3


@given(st.integers(1, 9))
def test_suse_s_rule_sends_one_live_pass_more_than_xen_s(max_iters: int) -> None:
    busy = (4096, *[800] * 11)
    live = [
        len(migrate(ScriptedWorld(*busy), policy)[0]) - 1
        for policy in (ThresholdPolicy(max_iters=max_iters), SusePolicy(max_iters=max_iters))
    ]
    assert live == [max_iters, max_iters + 1]


def test_a_stop_with_nothing_dirty_sends_nothing_and_suspends() -> None:
    world = ScriptedWorld(4096, 0, 7)
    passes, stop = migrate(world, ThresholdPolicy())
    assert world.log == [
        "all_pages", "send 4096", "collect_dirty", "pause", "collect_dirty", "send 7 paused", "hand_over",
    ]  # fmt: skip
    assert [(one.sent_pages, one.sent_bytes) for one in passes[1:]] == [(0, 0), (7, 28672)]
    assert stop.stop_reason is StopReason.MIN_REMAINING


def test_50_pages_are_not_fewer_than_50() -> None:
    assert [answer for *_, answer in calls(ThresholdPolicy(50, 5), 4096, 50, 49, 3)][2:] == [CONTINUE, CONTINUE, STOP]


def test_k_passes_before_a_stop_make_2k_and_1_calls_and_after_one_2k() -> None:
    assert len(calls(ThresholdPolicy(50, 9), *CONVERGING)) == 2 * 3 + 1
    assert len(calls(ThresholdPolicy(50, 4), *EXHAUSTING)) == 2 * 4


def test_the_counter_leaves_out_the_pass_of_a_stop_before_it() -> None:
    passes, _ = migrate(ScriptedWorld(*CONVERGING), ThresholdPolicy(50, 5))
    assert [one.total_written_pages for one in passes] == [0, 262144, 270144, 271044, 271044]


def test_xenserver_s_stop_lands_after_the_pass_that_it_was_meant_for() -> None:
    assert calls(XenServerPolicy(), 4096, 800, 700, 600, 500, 400)[-1] == (5, None, 6696, STOP)
    assert calls(XenServerPolicy(), 4096, 800, 49, 3)[-1] == (3, None, 4945, STOP)


def test_xcp_ng_s_rule_takes_any_slow_pass_for_the_last() -> None:
    passes, _ = migrate(ScriptedWorld(4096, 800, 700, pass_s=0.6), XcpNgPolicy())
    assert [one.iteration for one in passes] == [0, 1, 2]
    passes, _ = migrate(ScriptedWorld(4096, 800, 50, 10, pass_s=0.4), XcpNgPolicy())
    assert [one.iteration for one in passes] == [0, 1, 2, 3]


def test_the_legacy_rule_sends_three_times_the_memory_at_most() -> None:
    passes, stop = migrate(ScriptedWorld(*[1000] * 6), LegacyXenPolicy())
    assert ([one.iteration for one in passes], stop.stop_reason) == ([0, 1, 2, 3, 4], StopReason.MAX_FACTOR)


def test_a_policy_sees_what_the_last_pass_took() -> None:
    witness = Witness(ThresholdPolicy(max_iters=2))
    migrate(ScriptedWorld(4096, 800, 700, pass_s=2.0), witness)
    measured = [(one.elapsed_s, one.last_sent_pages, one.last_pass_s, one.memory_pages) for one, _ in witness.calls]
    assert measured == [(0.0, None, None, 4096)] + 2 * [(2.0, 4096, 2.0, 4096)] + [(4.0, 800, 2.0, 4096)]


def test_an_abort_before_a_pass_sends_nothing_of_it() -> None:
    world = ScriptedWorld(4096, 800)
    passes, stop = migrate(world, AnswersInTurn(CONTINUE, CONTINUE, ABORT))
    assert world.log == ["all_pages", "send 4096", "collect_dirty"]
    assert (len(passes), stop.status, stop.runs_at) == (1, Status.ABORTED, Side.SOURCE)


def test_an_abort_after_a_pass_does_not_read_the_dirty_set() -> None:
    world = ScriptedWorld(4096, 800)
    (only,), stop = migrate(world, AnswersInTurn(CONTINUE, ABORT))
    assert world.log == ["all_pages", "send 4096"]
    assert (only.decision_after, stop.status) == (ABORT, Status.ABORTED)


def test_the_downtime_goes_from_asking_until_the_guest_runs_again() -> None:
    _, stop = migrate(ScriptedWorld(4096, 12, pass_s=0.5), ThresholdPolicy(max_iters=1))
    assert (stop.status, stop.runs_at, stop.ended_s, stop.downtime_s) == (
        Status.COMPLETED, Side.DESTINATION, 1.0, 0.5,
    )  # fmt: skip
    assert [part.name for part in stop.downtime] == ["suspend", "collect", "copy", "resume"]
    assert {(part.knowledge, part.clock) for part in stop.downtime} == {(Knowledge.EXACT, "script")}


def test_a_policy_without_reasons_is_recorded_as_the_policy() -> None:
    assert migrate(ScriptedWorld(4096, 12), AnswersInTurn(STOP))[1].stop_reason is StopReason.POLICY


FAILURES = [EngineError("lost"), KeyboardInterrupt(), SystemExit(1), MemoryError()]


@pytest.mark.parametrize("error", FAILURES, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("call", ["pause", "send 12 paused", "hand_over"])
def test_a_failure_in_the_blackout_lets_the_guest_run_on_at_the_source(call: str, error: BaseException) -> None:
    world = ScriptedWorld(4096, 12, failures={call: error})
    with pytest.raises(type(error)):
        migrate(world, ThresholdPolicy(max_iters=1))
    assert world.log[-2:] == [call, "resume"]


def test_a_failed_reading_in_the_blackout_lets_the_guest_run_on_at_the_source() -> None:
    world = ScriptedWorld(4096, failures={"collect_dirty": EngineError("lost")})
    with pytest.raises(EngineError, match="lost"):
        migrate(world, ThresholdPolicy(max_iters=1))
    assert world.log[-3:] == ["pause", "collect_dirty", "resume"]


def test_a_hand_over_that_may_have_worked_does_not_start_a_second_guest() -> None:
    world = ScriptedWorld(4096, 12, failures={"hand_over": UndefinedOutcomeError("who knows")})
    with pytest.raises(UndefinedOutcomeError):
        migrate(world, ThresholdPolicy(max_iters=1))
    assert "resume" not in world.log


@pytest.mark.parametrize("call", ["all_pages", "send 4096", "collect_dirty", "send 800"])
def test_a_failure_before_the_blackout_never_pauses_the_guest(call: str) -> None:
    world = ScriptedWorld(4096, 800, 700, failures={call: EngineError("lost")})
    with pytest.raises(EngineError):
        migrate(world, ThresholdPolicy(max_iters=2))
    assert world.log[-1] == call
    assert "pause" not in world.log


@pytest.mark.parametrize("n_calls", range(4))
def test_a_failing_policy_never_pauses_the_guest(n_calls: int) -> None:
    world = ScriptedWorld(4096, 800, 700)
    with pytest.raises(ArithmeticError):
        migrate(world, AnswersInTurn(*[CONTINUE] * n_calls, ArithmeticError()))
    assert "pause" not in world.log


@pytest.mark.parametrize("n_events", [1, 2])
def test_closing_before_the_blackout_never_pauses_the_guest(n_events: int) -> None:
    world = ScriptedWorld(4096, 800, 700)
    events = begin(world, ThresholdPolicy(max_iters=2))
    for _ in range(n_events):
        next(events)
    events.close()  # type: ignore[attr-defined]
    assert "pause" not in world.log


def test_closing_after_the_hand_over_leaves_the_guest_at_the_destination() -> None:
    world = ScriptedWorld(4096, 12)
    events = begin(world, ThresholdPolicy(max_iters=1))
    assert [next(events).phase for _ in range(2)][-1] is Phase.STOP_AND_COPY  # type: ignore[union-attr]
    events.close()  # type: ignore[attr-defined]
    assert world.log[-1] == "hand_over"


policies = st.one_of(
    st.builds(ThresholdPolicy, st.integers(0, 900), st.integers(0, 8)),
    st.builds(SusePolicy, st.integers(0, 900), st.integers(0, 8)),
    st.builds(LegacyXenPolicy, st.integers(0, 900), st.integers(1, 8)),
    st.builds(DowntimeBudgetPolicy, st.floats(1e-4, 1.0), max_iters=st.integers(1, 8)),
    st.builds(NoProgressPolicy, st.floats(0, 0.9), max_iters=st.integers(1, 8)),
    st.builds(TimeLimitPolicy, st.floats(0.1, 9), max_iters=st.integers(1, 8), on_limit=st.sampled_from([STOP, ABORT])),
    st.sampled_from([XenServerPolicy(), XcpNgPolicy()]),
)
traces = st.lists(st.sampled_from([0, 1, 2, 49, 50]) | st.integers(0, 1000), min_size=12, max_size=12)


@given(policies, traces, st.floats(0.01, 2.0))
def test_the_recorded_decisions_are_those_of_a_replay(policy: Policy, trace: list[int], pass_s: float) -> None:
    witness = Witness(policy)
    passes, stop = migrate(ScriptedWorld(1000, *trace, pass_s=pass_s), witness)
    recorded = recorded_calls(passes, memory_pages=1000)
    unsent = [call for call in witness.calls[-1:] if call[1] is ABORT and call[0].dirty_pages is not None]
    assert recorded + unsent == witness.calls
    assert [policy.decide(stats) for stats, _ in recorded] == [answer for _, answer in recorded]
    assert stop.stop_reason is policy.reason(witness.calls[-1][0])  # type: ignore[attr-defined]


@given(policies, traces)
def test_every_dirty_set_is_sent_unless_the_run_is_aborted(policy: Policy, trace: list[int]) -> None:
    world = ScriptedWorld(1000, *trace)
    passes, stop = migrate(world, policy)
    read = [1000, *trace][: 1 + world.log.count("collect_dirty")]
    unsent = len(read) - len(passes)
    assert [one.sent_pages for one in passes] == read[: len(passes)]
    sent = [int(call.split()[1]) for call in world.log if call.startswith("send")]
    assert sum(sent) == sum(read[: len(passes)])
    assert unsent == 0 or (unsent == 1 and stop.status is Status.ABORTED)
