"""The helper's events: whole or cut, old or live, never a crash."""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlkit.errors import LogError
from xlkit.logs.events import CLOCK, EventGrammar, parse, sniff
from xlkit.logs.joining import joined_stop
from xlkit.logs.xl import XlGrammar
from xlkit.model import Action, Applied, Control, Decision, Knowledge, Side, Status, StopReason
from xlkit.policies import ThresholdPolicy, from_settings

LAB = Path(__file__).parents[2] / "data" / "logs" / "xen_lab"


def event(kind: str, t: float, **facts: Any) -> str:
    return json.dumps({"event": kind, "t": t, **facts})


def policy_call(t: float, iteration: int, dirty_count: int, total: int, decision: str, **more: Any) -> str:
    facts = {"iteration": iteration, "dirty_count": dirty_count, "total_written": total, "decision": decision}
    return event("policy-call", t, **facts, **more)


BEGIN = [event("start", 0.0, dom=7), event("policy", 0.1, min_remaining=50, max_iters=5, action=None)]
PASS_0 = [policy_call(1.0, 0, 4096, 0, "continue"), policy_call(3.0, 1, -1, 4096, "continue")]
STOP = [policy_call(3.5, 1, 49, 4096, "stop"), event("suspend-asked", 4.0), event("suspended", 4.25, reply=1)]
SAVED = [event("save-returned", 5.0, r=0, errno=0)]
FAILED = [event("save-returned", 5.0, r=-1, errno=32)]


def test_events_alone_end_with_the_save_and_do_not_guess_the_hand_over() -> None:
    run = parse([*BEGIN, *PASS_0, *STOP, *SAVED])
    assert (run.stop.status, run.stop.runs_at) == (Status.INCOMPLETE, Side.UNKNOWN)
    assert run.stop.stop_reason is StopReason.MIN_REMAINING
    assert [(one.name, one.duration_s) for one in run.stop.downtime] == [
        ("suspend", 0.25), ("copy", 0.75), ("resume", None),
    ]  # fmt: skip


def test_xl_s_text_tells_how_the_hand_over_went() -> None:
    run = parse([*BEGIN, *PASS_0, *STOP, *SAVED, "** Migration failed during final handshake **"])
    assert (run.stop.status, run.stop.runs_at) == (Status.UNDEFINED, Side.UNKNOWN)
    assert "xl list" in run.stop.message


def test_a_save_that_fails_in_the_blackout_is_told_apart_from_one_that_fails_before() -> None:
    before, paused = parse([*BEGIN, *PASS_0, *FAILED]), parse([*BEGIN, *PASS_0, *STOP, *FAILED])
    assert (before.stop.stop_reason, before.stop.runs_at) == (StopReason.FAILED, Side.SOURCE)
    assert (paused.stop.stop_reason, paused.stop.runs_at) == (StopReason.MIN_REMAINING, Side.UNKNOWN)
    assert before.stop.status is paused.stop.status is Status.FAILED
    assert len(paused.iterations) == 2, "the pass of the blackout did not end"


def test_a_stop_by_the_operator_is_the_operator_s() -> None:
    stop = event("policy", 2.0, min_remaining=50, max_iters=5, action="stop")
    run = parse([*BEGIN, PASS_0[0], stop, policy_call(3.0, 1, -1, 4096, "stop"), *STOP[1:], *SAVED])
    assert run.stop.stop_reason is StopReason.OPERATOR
    [control] = run.controls
    assert (control.action, control.iteration, control.latency_s) == (Action.STOP_NOW, 1, 1.0)


def test_a_cut_stream_is_an_abort_where_one_was_asked_for() -> None:
    abort = event("policy", 2.0, min_remaining=50, max_iters=5, action="abort")
    run = parse([*BEGIN, PASS_0[0], abort, event("cut", 2.1, why="abort"), *FAILED])
    assert (run.stop.status, run.stop.runs_at) == (Status.ABORTED, Side.SOURCE)
    [control] = run.controls
    assert control.latency_s == pytest.approx(0.1)


def test_a_stream_that_is_cut_unasked_is_a_failure_that_says_why() -> None:
    stop = parse([*BEGIN, PASS_0[0], event("cut", 2.1, why="xl has gone"), *FAILED]).stop
    assert (stop.status, stop.runs_at) == (Status.FAILED, Side.SOURCE)
    assert "xl has gone" in stop.message


def test_a_layout_that_does_not_fit_is_a_failure_and_no_abort_of_the_policy() -> None:
    refused = event("layout", 0.9, proved=False, p2m_pages=4096)
    stop = parse([*BEGIN, refused, policy_call(1.0, 0, 17, 9, "abort"), *FAILED]).stop
    assert stop.status is Status.FAILED
    assert "did not fit the host's Xen" in stop.message


def test_a_reason_that_the_helper_states_is_taken() -> None:
    run = parse([*BEGIN, policy_call(1.0, 0, 4096, 0, "stop", reason="downtime_budget"), *STOP[1:], *SAVED])
    assert run.stop.stop_reason is StopReason.DOWNTIME_BUDGET


def test_the_policy_becomes_one_of_ours_where_somebody_can_make_it() -> None:
    assert parse(BEGIN, policy_from=from_settings).start.policy == ThresholdPolicy(50, 5)
    assert parse(BEGIN).start.policy is None
    assert parse(BEGIN).start.setup.settings["policy"] == {"name": "threshold", "min_remaining": 50, "max_iters": 5}


def test_the_watcher_s_own_text_gives_the_last_part_of_the_downtime_on_the_same_clock() -> None:
    events, text = EventGrammar(), XlGrammar(clock=CLOCK)
    for line in [*BEGIN, *PASS_0, *STOP, *SAVED]:
        events.feed(line)
    text.feed("migration sender: Target reports successful startup.", 6.5)
    text.feed("Migration successful.", 7.0)
    stop = joined_stop(events, text)
    assert (stop.status, stop.downtime_s) == (Status.COMPLETED, 2.5)
    assert (stop.downtime[-1].duration_s, stop.downtime[-1].knowledge) == (1.5, Knowledge.AT_MOST)


def test_a_last_line_that_is_cut_off_is_passed_over() -> None:
    lines = [*BEGIN, *PASS_0]
    assert parse([*lines, STOP[0][:30]]).iterations == parse(lines).iterations


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "policy-call", "t": 1.0}',
        '{"event": "start", "t": "now"}',
        '{"event": "cut"',
        '{"event": "x", "t": NaN}',
    ],
)
def test_a_broken_line_is_named_with_its_number(line: str) -> None:
    with pytest.raises(LogError, match=r"run\.events, line 3: ") as caught:
        parse([*BEGIN, line, *PASS_0], path="run.events")
    assert (caught.value.line_number, caught.value.text) == (3, line)


def test_a_second_save_in_one_file_is_refused() -> None:
    with pytest.raises(LogError, match="A second save begins here"):
        parse([*BEGIN, *PASS_0, *BEGIN])


@pytest.mark.parametrize("path", sorted(LAB.glob("*.events")), ids=lambda path: path.stem)
def test_live_and_old_events_go_through_one_grammar(path: Path) -> None:
    grammar, lines = EventGrammar(), path.read_text().splitlines()
    live = [one for line in lines for one in grammar.feed(line)]
    run = parse(lines)
    assert [one for one in live if not isinstance(one, Control)] == list(run.iterations)
    assert grammar.stop() == run.stop


DECISIONS = st.sampled_from(["continue", "stop", "abort"])
COUNTS = st.integers(0, 2**40)


@st.composite
def dirty_sets(draw: st.DrawFn) -> tuple[list[int], list[str]]:
    """Give the sets of some passes, and the events that a helper writes of them."""
    sets = draw(st.lists(COUNTS, min_size=1, max_size=20))
    lines, total = [], 0
    for iteration, pages in enumerate(sets):
        lines.append(policy_call(2.0 * iteration, iteration, pages, total, "continue"))
        total += pages
        lines.append(policy_call(2.0 * iteration + 1, iteration + 1, -1, total, "continue"))
    return sets, lines


@given(dirty_sets())
def test_events_that_are_written_are_read_back(written: tuple[list[int], list[str]]) -> None:
    sets, lines = written
    run = parse([*BEGIN, *lines])
    assert [one.dirty_pages for one in run.iterations] == sets
    assert [one.total_written_pages for one in run.iterations] == [sum(sets[:k]) for k in range(len(sets))]
    assert {one.decision_before for one in run.iterations} == {Decision.CONTINUE}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
KINDS = ["start", "policy", "policy-call", "progress", "suspend-asked", "suspended", "cut", "save-returned", "layout"]
FIELDS = [
    "dom",
    "iteration",
    "total_written",
    "dirty_count",
    "decision",
    "r",
    "what",
    "action",
    "min_remaining",
    "wall",
]
FACTS = st.fixed_dictionaries(
    {"event": st.sampled_from(KINDS), "t": st.floats(0, 1e6)}, optional=dict.fromkeys(FIELDS, COUNTS | JSON)
)


@given(st.lists(FACTS.map(json.dumps) | st.text(max_size=40), max_size=12))
def test_no_text_makes_the_reader_crash(lines: list[str]) -> None:
    with contextlib.suppress(LogError):
        assert parse(lines).stop.status in set(Status)


@given(JSON)
def test_what_is_no_event_is_not_taken_for_one(value: Mapping[str, Any] | Any) -> None:
    assert not sniff(json.dumps([value]))


def test_xl_s_lines_that_are_events_tell_the_hand_over_on_the_clock_of_the_events() -> None:
    text = [
        event("text", 6.5, line="migration sender: Target reports successful startup."),
        event("text", 7.0, line="Migration successful."),
        event("xl-exited", 7.25, status=0),
    ]
    run = parse([*BEGIN, *PASS_0, *STOP, *SAVED, *text])
    assert (run.stop.status, run.stop.runs_at, run.stop.downtime_s) == (Status.COMPLETED, Side.DESTINATION, 2.5)


def test_a_helper_that_only_looked_on_has_passes_by_progress_and_applied_nothing() -> None:
    looked = [
        ("Frames iteration 0", 4096),
        ("Frames iteration 1", 70),
        ("Domain now suspended", 0),
        ("Frames iteration 1", 9),
    ]
    progress = [event("progress", 1.0 + k, what=what, done=0, total=total) for k, (what, total) in enumerate(looked)]
    run = parse([BEGIN[0], *progress[:2], *STOP[1:], *progress[2:], *SAVED])
    assert [(one.dirty_pages, one.decision_before) for one in run.iterations] == [(4096, None), (70, None), (9, None)]
    assert (run.start.setup.applied, run.stop.stop_reason) == (Applied.UNKNOWN, StopReason.UNKNOWN)


def test_a_save_that_was_left_to_the_stock_helper_says_so() -> None:
    run = parse([event("handed-over", 0.1, why="Xen 4.13 is not in the table"), "Migration successful."])
    assert run.start.setup.applied is Applied.BUILT_IN
    assert run.stop.status is Status.COMPLETED


def test_the_rule_is_named_only_where_its_numbers_say_so() -> None:
    no_rule = event("policy", 0.1, min_remaining=49, max_iters=5)
    assert parse([BEGIN[0], no_rule, *PASS_0, *STOP, *SAVED]).stop.stop_reason is StopReason.POLICY


def test_a_guest_that_did_not_suspend_has_no_blackout() -> None:
    run = parse([*BEGIN, *PASS_0, *STOP[:2], event("suspended", 64.0, reply=0), *FAILED])
    assert (run.stop.status, run.stop.runs_at) == (Status.FAILED, Side.SOURCE)
    assert run.stop.downtime[0].knowledge is Knowledge.UNKNOWN


def test_times_of_two_clocks_are_never_subtracted() -> None:
    events, text = EventGrammar(), XlGrammar(clock="another")
    for line in [*BEGIN, *PASS_0, *STOP, *SAVED]:
        events.feed(line)
    text.feed("Target reports successful startup. Migration successful.", 6.5)
    stop = joined_stop(events, text)
    assert (stop.status, stop.downtime_s, stop.downtime[-1].duration_s) == (Status.COMPLETED, None, None)


def test_the_text_of_a_patched_xl_names_the_rule_that_a_helper_cannot_see() -> None:
    patch = "libxl__domain_save_precopy_policy: Domain 7:iteration {} dirty_count {} total_written {}"
    calls = [patch.format(*numbers) for numbers in ((0, 4096, 0), (1, -1, 4096))]
    said = [
        *calls,
        "issuing PV suspend request via XenBus control node",
        "guest has suspended",
        "Migration successful.",
    ]
    progress = event("progress", 1.0, what="Frames iteration 0", done=0, total=4096)
    assert parse([BEGIN[0], progress, *STOP[1:], *SAVED, *said]).stop.stop_reason is StopReason.MAX_ITERS


def test_a_last_line_that_is_whole_and_wrong_is_an_error() -> None:
    with pytest.raises(LogError, match="`iteration` of 'policy-call' must be a whole number"):
        parse([*BEGIN, '{"event": "policy-call", "t": 1.0, "dirty_count": 1}'])
