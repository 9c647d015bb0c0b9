"""Calls of the policy become passes, also where lines between them are lost."""

from hypothesis import given
from hypothesis import strategies as st

from xlkit.logs.passes import PassLedger, PolicyCall
from xlkit.model import Decision, Iteration, Phase

# Seen with the library of Xen 4.17: iteration, dirty_count, total_written.
CONVERGING = [
    (0, 262144, 0), (1, -1, 262144), (1, 8000, 262144), (2, -1, 270144), (2, 900, 270144), (3, -1, 271044),
    (3, 40, 271044),
]  # fmt: skip


def call(iteration: int, dirty_count: int, total: int, at_s: float | None = None) -> PolicyCall:
    dirty_pages = None if dirty_count < 0 else dirty_count
    return PolicyCall(iteration=iteration, dirty_pages=dirty_pages, total_written_pages=total, at_s=at_s)


def passes(calls: list[tuple[int, int, int]]) -> list[tuple[int, int | None]]:
    ledger = PassLedger()
    done = [one for numbers in calls for one in ledger.heard(call(*numbers))]
    return [(one.iteration, one.dirty_pages) for one in [*done, *ledger.suspend_asked()]]


def test_pairs_of_calls_become_passes_and_a_stop_before_a_pass_sends_it() -> None:
    assert passes(CONVERGING) == [(0, 262144), (1, 8000), (2, 900), (3, 40)]


def test_a_stop_after_a_pass_has_no_pass_more() -> None:
    assert passes(CONVERGING[:6]) == [(0, 262144), (1, 8000), (2, 900)]


def test_calls_before_passes_are_enough() -> None:
    assert passes(CONVERGING[::2]) == [(0, 262144), (1, 8000), (2, 900), (3, 40)]


def test_the_counter_tells_the_pages_of_one_pass_whose_calls_are_lost() -> None:
    assert passes([CONVERGING[0], CONVERGING[1], CONVERGING[4], CONVERGING[6]])[1] == (1, 8000)
    assert passes([CONVERGING[0], CONVERGING[1], CONVERGING[3], CONVERGING[4]])[1] == (1, 8000)


def test_of_two_passes_in_a_row_that_are_lost_nothing_is_told() -> None:
    assert passes([CONVERGING[0], CONVERGING[6]]) == [(0, 262144), (3, 40)]


def test_a_call_that_is_told_twice_counts_once() -> None:
    assert passes([one for one in CONVERGING for _ in "ab"]) == passes(CONVERGING)


def test_times_bound_the_passes_and_reading_the_bitmap_lies_between() -> None:
    ledger = PassLedger()
    ledger.heard(call(0, 100, 0, 0.5))
    [first] = ledger.heard(call(1, -1, 100, 2.0))
    ledger.heard(call(1, 10, 100, 2.25))
    [second] = ledger.heard(call(2, -1, 110, 3.0))
    assert (first.begun_s, first.ended_s, first.collect_s) == (0.5, 2.0, None)
    assert (second.begun_s, second.ended_s, second.collect_s) == (2.25, 3.0, 0.25)


def test_the_final_pass_has_the_number_at_which_the_policy_stopped() -> None:
    ledger = PassLedger()
    for numbers in CONVERGING:
        ledger.heard(call(*numbers))
    live, final = ledger.guest_suspended(), ledger.save_ended()
    assert [(one.iteration, one.phase) for one in live + final] == [(3, Phase.PRECOPY), (3, Phase.STOP_AND_COPY)]
    assert ledger.save_ended() == []


def test_an_abort_before_a_pass_sends_nothing() -> None:
    ledger = PassLedger()
    abort = PolicyCall(iteration=0, dirty_pages=100, total_written_pages=0, decision=Decision.ABORT)
    assert ledger.heard(abort) + ledger.suspend_asked() == []


CALLS = st.builds(
    PolicyCall,
    iteration=st.integers(0, 9),
    dirty_pages=st.none() | st.integers(0, 10**6),
    total_written_pages=st.integers(0, 10**9),
    decision=st.none() | st.sampled_from(Decision),
    at_s=st.none() | st.floats(0, 1e9),
)


@given(st.lists(CALLS))
def test_whatever_is_heard_passes_come_once_in_order_and_time_never_runs_back(calls: list[PolicyCall]) -> None:
    ledger = PassLedger()
    done: list[Iteration] = [one for each in calls for one in ledger.heard(each)]
    done += ledger.guest_suspended()
    numbers = [one.iteration for one in done]
    times = [time_s for one in done for time_s in (one.begun_s, one.ended_s)]
    assert numbers == sorted(set(numbers))
    assert times == sorted(times)


def test_a_counter_that_wraps_tells_nothing_of_a_lost_pass() -> None:
    assert passes([(0, 100, 2**32 - 50), (2, 7, 60)]) == [(0, 100), (2, 7)]
