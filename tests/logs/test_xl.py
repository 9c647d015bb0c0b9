"""xl's text: stock, patched, SUSE's; whole, glued and cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlkit.errors import LogError
from xlkit.logs.xl import XlGrammar, parse, sniff
from xlkit.model import Applied, Knowledge, Phase, Run, Side, Status, StopReason

PATCH = "libxl: debug: libxl_dom_save.c:57:libxl__domain_save_precopy_policy: Domain 3:"
ASKED = (
    "libxl: debug: libxl_dom_suspend.c:203:domain_suspend_callback_common: "
    "Domain 3:issuing PVH/HVM suspend request via event channel"
)
SUSPENDED = "libxl: debug: libxl_dom_suspend.c:358:suspend_common_wait_guest_check: Domain 3:guest has suspended"
SUCCESS = [
    "libxl-save-helper: debug: complete r=0: Success", "migration sender: Target has acknowledged transfer.",
    "migration sender: Giving target permission to start.", "migration sender: Target reports successful startup.",
    "Migration successful.",
]  # fmt: skip
NUMBERS = [(0, 262144, 0), (1, -1, 262144), (1, 8000, 262144), (2, -1, 270144), (2, 900, 270144), (3, -1, 271044)]


def patched(numbers: list[tuple[int, int, int]]) -> list[str]:
    return [f"{PATCH}iteration {i} dirty_count {d} total_written {w}" for i, d, w in numbers]


def sets(run: Run) -> list[tuple[int, Phase, int | None]]:
    return [(one.iteration, one.phase, one.dirty_pages) for one in run.iterations]


LIVE = [(0, Phase.PRECOPY, 262144), (1, Phase.PRECOPY, 8000), (2, Phase.PRECOPY, 900)]


def test_the_line_of_the_patch_gives_iterations_without_decisions() -> None:
    run = parse([*patched(NUMBERS), ASKED, SUSPENDED, *SUCCESS])
    assert sets(run) == [*LIVE, (3, Phase.STOP_AND_COPY, None)]
    assert {one.decision_before for one in run.iterations} == {None}
    assert (run.start.setup.applied, run.start.policy) == (Applied.NATIVE, None)
    assert run.start.setup.settings["p2m_pages"] == 262144


def test_a_stop_right_after_a_pass_can_only_be_that_of_max_iters() -> None:
    assert parse([*patched(NUMBERS), ASKED, SUSPENDED, *SUCCESS]).stop.stop_reason is StopReason.MAX_ITERS
    before = parse([*patched([*NUMBERS, (3, 40, 271044)]), ASKED, SUSPENDED, *SUCCESS])
    assert before.stop.stop_reason is StopReason.UNKNOWN, "SUSE's rule stops there by max_iters, too"
    assert sets(before)[-2:] == [(3, Phase.PRECOPY, 40), (3, Phase.STOP_AND_COPY, None)]


def test_lines_of_two_writers_that_are_glued_are_read() -> None:
    glued = "xc: detail: 64 bits, 4 levels".join(patched(NUMBERS)) + "xc: info: Found x86 PV domain from Xen 4.17"
    run = parse([glued, f"libxl: {ASKED}libxl: ", SUSPENDED, *SUCCESS])
    assert sets(run)[:-1] == LIVE
    assert run.start.setup.versions == {"xen": "4.17"}


def test_a_line_of_the_patch_that_is_cut_costs_no_pass() -> None:
    lines = patched(NUMBERS)
    lines[1], lines[2] = lines[1][:70], lines[2][:90]
    assert sets(parse([*lines, ASKED, SUSPENDED, *SUCCESS]))[:-1] == LIVE


def test_progress_that_a_terminal_writes_over_is_read() -> None:
    bars = ["Frames iteration 0: 0/4096    0%", "Frames iteration 0: 4096/4096  100%", "Frames iteration 1: 0/70    0%"]
    after = ["Domain now suspended: 0/0    0%", "Frames iteration 1: 12/12  100%"]
    text = "".join(f"\rxc: {bar}" for bar in bars) + "\r              \r" + "".join(f"\rxc: {bar}" for bar in after)
    run = parse([text, *SUCCESS])
    assert sets(run) == [(0, Phase.PRECOPY, 4096), (1, Phase.PRECOPY, 70), (1, Phase.STOP_AND_COPY, 12)]


SUSE = [
    "xc: error: SUSEINFO: domid 3: 5f2c save start, 24576 pages allocated: Internal error",
    "xc: error: SUSEINFO: domid 3: p2m_size ff000: Internal error",
    "xc: error: SUSEINFO: domid 3: 213304 bytes + 24576 pages in 2.500000000 sec, 38 MiB/sec: Internal error",
    "xc: error: SUSEINFO: domid 3: 5608 bytes + 549 pages in 0.125000000 sec, 17 MiB/sec: Internal error",
    "xc: error: SUSEINFO: domid 3: 400 bytes + 47 pages in 0.015625000 sec, 11 MiB/sec: Internal error",
    "xc: error: SUSEINFO: domid 3: save done: Internal error",
]


def test_suse_s_lines_are_passes_and_no_errors() -> None:
    run = parse([*SUSE, "Migration successful."])
    assert [(one.iteration, one.phase, one.sent_pages) for one in run.iterations] == [
        (0, Phase.PRECOPY, 24576), (1, Phase.PRECOPY, 549), (1, Phase.STOP_AND_COPY, 47),
    ]  # fmt: skip
    assert [(one.begun_s, one.ended_s) for one in run.iterations] == [(0, 2.5), (2.5, 2.625), (2.625, 2.640625)]
    assert run.iterations[0].sent_bytes == 24576 * 4096 + 213304
    assert (run.start.setup.memory_pages, run.start.setup.settings["p2m_pages"]) == (24576, 0xFF000)
    assert run.stop.status is Status.COMPLETED


def test_suse_s_lines_add_what_was_sent_to_the_passes_of_the_patch() -> None:
    calls = patched(NUMBERS[:4])
    run = parse([calls[0], SUSE[2], calls[1], calls[2], SUSE[3], calls[3], ASKED, SUSPENDED, SUSE[4], *SUCCESS])
    told = [(one.dirty_pages, one.sent_pages, one.ended_s) for one in run.iterations]
    assert told == [(262144, 24576, 2.5), (8000, 549, 2.625), (None, 47, 2.640625)]


def test_suse_s_older_line_has_its_numbers_in_another_order_and_states_the_rule() -> None:
    said = "xc: debug: suse_precopy_policy: domU 3: #0 iteration {} total_written {} dirty_count {}"
    lines = [said.format(i, w, d) for i, d, w in [*NUMBERS[:5], (3, 40, 271044)]]
    reached = "xc: info: suse_precopy_policy: domU 3: dirty_count reached (40/50)"
    run = parse([*lines, reached, ASKED, SUSPENDED, *SUCCESS])
    assert sets(run)[:-1] == [*LIVE, (3, Phase.PRECOPY, 40)]
    assert run.stop.stop_reason is StopReason.MIN_REMAINING


def stamped(second: int, pid: int, text: str) -> str:
    return f"2026-11-23 10:00:{second:02} UTC [{pid}] {text}"


def test_stamps_of_the_sender_alone_bound_the_downtime() -> None:
    run = parse([
        stamped(0, 71, "libxl: debug: libxl_domain.c:512:libxl_domain_suspend: Domain 3:ao 0x1: create"),
        stamped(55, 99, "xc: info: Restoring domain"),
        stamped(20, 71, ASKED), stamped(21, 71, SUSPENDED), stamped(24, 71, SUCCESS[0]), *SUCCESS[1:4],
        stamped(26, 71, "libxl: debug: libxl_domain.c:1046:libxl_domain_destroy: Domain 3:"), SUCCESS[4],
    ])  # fmt: skip
    assert [(one.name, one.duration_s, one.knowledge) for one in run.stop.downtime] == [
        ("suspend", 2.0, Knowledge.AT_MOST), ("copy", 4.0, Knowledge.AT_MOST), ("resume", 3.0, Knowledge.AT_MOST),
    ]  # fmt: skip
    assert (run.stop.ended_s, run.start.started_at.isoformat()) == (26.0, "2026-11-23T10:00:00+00:00")


READY = "migration target: Ready to receive domain."
SAVE_DONE = "libxl: error: libxl_stream_write.c:347:libxl__xc_domain_save_done: Domain 3:saving domain: "
RC_8 = [
    f"{SAVE_DONE}domain did not respond to suspend request: Success",
    "migration sender: libxl_domain_suspend failed (rc=-8)", "Migration failed, failed to suspend at sender.",
]  # fmt: skip
EBADF = "xc: error: Failed to write page data to stream (9 = Bad file descriptor): Internal error"
RESUMED = ["migration sender: Trying to resume at our end.", "migration sender: Resumed OK."]
ENDINGS = {
    "policy": (["xc: error: Abort precopy loop (0 = Success): Internal error", *RC_8], Status.ABORTED, Side.SOURCE),
    "sigterm": ([EBADF, *RC_8], Status.ABORTED, Side.SOURCE),
    "unexplained": (RC_8, Status.FAILED, Side.SOURCE),
    "no answer": ([ASKED, f"{SAVE_DONE}guest did not suspend, timed out", *RC_8], Status.FAILED, Side.SOURCE),
    "old suse": (["xc: error: suse_precopy_policy: domU 3: busy, dirty pages 9/5 after 2 iterations", *RC_8],
                 Status.ABORTED, Side.SOURCE),
    "busy": (["Migration aborted as requested, domain is too busy."], Status.ABORTED, Side.SOURCE),
    "in the blackout": ([SUSPENDED, "Migration failed, resuming at sender."], Status.FAILED, Side.SOURCE),
    "at the target": ([*RESUMED, "Migration failed due to problems at target."], Status.FAILED, Side.SOURCE),
    "not resumed": (["Migration failed due to problems at target."], Status.FAILED, Side.UNKNOWN),
    "handshake": ([SUSPENDED, "** Migration failed during final handshake **"], Status.UNDEFINED, Side.UNKNOWN),
    "cut short": ([SUSPENDED], Status.INCOMPLETE, Side.UNKNOWN),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDINGS)
def test_ways_to_end_are_told_apart(name: str) -> None:
    lines, status, side = ENDINGS[name]
    stop = parse([READY, *lines]).stop
    assert (stop.status, stop.runs_at) == (status, side)


def test_a_guest_that_did_not_suspend_is_told_from_one_that_never_was_asked() -> None:
    assert "did not suspend in time" in parse([READY, *ENDINGS["no answer"][0]]).stop.message
    assert "that misleads" in parse([READY, *RC_8]).stop.message


def test_an_undefined_outcome_says_what_to_look_at() -> None:
    message = parse([READY, *ENDINGS["handshake"][0]]).stop.message
    assert "both with `xl list`" in message
    assert "Never let both run" in message


def test_text_without_a_word_about_a_migration_is_refused() -> None:
    with pytest.raises(LogError, match="No line is about a migration"):
        parse(["hello", "world"], path="notes.txt")
    assert not sniff("xc: info: Saving domain 2, type x86 HVM")


def test_given_times_are_those_of_the_passes() -> None:
    text = XlGrammar(clock="watch")
    done = [one for k, line in enumerate(patched(NUMBERS)) for one in text.feed(line, k + 0.5)]
    assert [(one.begun_s, one.ended_s) for one in done] == [(0.5, 1.5), (2.5, 3.5), (4.5, 5.5)]
    assert text.clock == "watch"


LINES = st.sampled_from(
    [*patched(NUMBERS), *SUSE, *SUCCESS, ASKED, SUSPENDED, READY, *RC_8, "\rxc: Frames iteration 1: 1/9  11%"]
)
PIECES = st.tuples(LINES, st.integers(0, 160), st.integers(0, 160)).map(lambda cut: cut[0][cut[1] : cut[2] or None])


@given(st.lists(PIECES | LINES | st.text(max_size=30), max_size=30).map("".join) | st.text())
def test_no_text_makes_the_grammar_crash(text: str) -> None:
    grammar = XlGrammar()
    done = [one for line in text.split("\n") for one in grammar.feed(line)]
    assert grammar.stop().status in set(Status)
    assert all(one.ended_s >= one.begun_s for one in done)


def test_a_run_that_never_converged_is_read_whole() -> None:
    numbers = [one for k in range(4003) for one in ((k, 4000, 4000 * k), (k + 1, -1, 4000 * (k + 1)))]
    assert len(parse(patched(numbers)).iterations) == 4003


def test_a_phase_that_is_told_twice_begins_once() -> None:
    text = XlGrammar(clock="watch")
    lines = [*patched(NUMBERS), SUSPENDED, "xc: progress: Domain now suspended: 0/0    0%", SUCCESS[0]]
    *_, final = [one for k, line in enumerate(lines) for one in text.feed(line, float(k))]
    assert (final.phase, final.begun_s, final.ended_s) == (Phase.STOP_AND_COPY, 6.0, 8.0)


def test_a_helper_s_own_times_give_way_to_stamps() -> None:
    call = "precopy: info: iteration {}: {} dirty, {} sent, {} s: continue"
    lines = [call.format(0, 100, 0, 500.25), call.format(1, 10, 100, 502.5), call.format(2, 5, 110, 503.5)]
    [alone, _] = parse([READY, *lines]).iterations
    first = stamped(0, 71, "xc: info: Saving domain 3, type x86 PV")
    [stamps, _] = parse([first, *(stamped(k + 1, 71, line) for k, line in enumerate(lines))]).iterations
    assert (alone.begun_s, alone.ended_s) == (500.25, 502.5)
    assert (stamps.begun_s, stamps.ended_s) == (1.0, 2.0)


def test_a_line_without_a_stamp_among_stamped_ones_has_the_time_of_the_last() -> None:
    call = "precopy: info: iteration 1: 10 dirty, 100 sent, 500.5 s: continue"
    lines = [stamped(0, 71, "xc: info: Saving domain 3, type x86 PV"), stamped(3, 71, patched(NUMBERS)[0]), call]
    [one] = parse(lines).iterations
    assert (one.begun_s, one.ended_s) == (3.0, 3.0)
