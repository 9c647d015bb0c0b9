"""The contracts catch what they are there to catch: each broken part is refused by the check that is named."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from xlkit.backends.sim import SimBackend
from xlkit.engine.workload import Uniform
from xlkit.errors import MigrationError
from xlkit.model import Decision, Iteration, Migration, Phase, PrecopyStats, RunStop, Setup, Side, Status, StopReason
from xlkit.policies import ThresholdPolicy
from xlkit.protocols import Policy
from xlkit.testing import AnswersInTurn, BackendContract, PolicyContract, ScriptedWorld, Witness, prove, recorded_calls

CONTINUE, STOP, ABORT = Decision.CONTINUE, Decision.STOP_AND_COPY, Decision.ABORT
Event = Iteration | RunStop
STATS = PrecopyStats(iteration=0, dirty_pages=64, total_written_pages=0)


class Broken:
    """The simulator with one fault: what it yields goes through `spoil`."""

    name = "broken"

    def __init__(self, spoil: Callable[[list[Event]], list[Event]]) -> None:
        self._sim = SimBackend(memory="16MiB", workload=Uniform(rate_pages_s=20_000))
        self._spoil = spoil
        self.guests: Any = self._sim.guests

    def preflight(self, migration: Migration) -> Setup:
        return self._sim.preflight(migration)

    def migrate(self, migration: Migration, policy: Policy) -> Iterator[Event]:
        yield from self._spoil(list(self._sim.migrate(migration, policy)))


def failing_checks(contract: type[BackendContract] | type[PolicyContract]) -> set[str]:
    failed = set()
    for name in (one for one in dir(contract) if one.startswith("test_")):
        try:
            getattr(contract(), name)()
        except (AssertionError, AttributeError, LookupError, StopIteration, TypeError, ValueError):
            failed.add(name)
    return failed


def checks_that_fail_with(spoil: Callable[[list[Event]], list[Event]]) -> set[str]:
    class Contract(BackendContract):
        def make_backend(self) -> Broken:
            return Broken(spoil)

    return failing_checks(Contract)


def change_passes(**changes: Callable[[Any], Any]) -> Callable[[list[Event]], list[Event]]:
    def spoil(events: list[Event]) -> list[Event]:
        changed = [
            replace(one, **{name: change(getattr(one, name)) for name, change in changes.items()})
            for one in events[:-1]
        ]
        return [*changed, events[-1]]

    return spoil


def without_live_passes(events: list[Event]) -> list[Event]:
    return [one for one in events if getattr(one, "phase", None) is not Phase.PRECOPY]


FAULTS = {
    "test_a_run_is_passes_and_then_one_stop": lambda events: [*events, events[-1]],
    "test_a_stop_by_max_iters_sends_so_many_live_passes": change_passes(iteration=lambda number: number + 1),
    "test_a_stop_by_min_remaining_still_sends_its_set_live": without_live_passes,
    "test_the_record_holds_what_the_policy_saw": change_passes(dirty_pages=lambda count: count + 1),
    "test_a_run_replayed_under_its_own_policy_ends_as_recorded": lambda events: [
        *events[:-1],
        replace(events[-1], stop_reason=StopReason.TIME_LIMIT),
    ],
    "test_the_counter_of_written_pages_adds_up": change_passes(total_written_pages=lambda count: count + 1),
    "test_times_grow": change_passes(begun_s=lambda time_s: 9.0 - time_s),
    "test_a_completed_migration_leaves_one_guest_at_the_destination": lambda events: [
        *events[:-1],
        replace(events[-1], runs_at=Side.SOURCE),
    ],
    "test_an_abort_at_the_first_call_sends_nothing_at_all": lambda events: [events[0], *events],
    "test_an_operator_can_stop_a_run": lambda events: [
        *events[:-1],
        replace(events[-1], stop_reason=StopReason.POLICY),
    ],
    "test_an_operator_can_abort_a_run": lambda events: [*events[:-1], replace(events[-1], status=Status.COMPLETED)],
}


@pytest.fixture
def endless_runs_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the simulator of `Broken`, which runs to its end before anyone can interfere, end even without a stop."""
    monkeypatch.setattr(AnswersInTurn, "decide", _decide_at_most_100_times)


_decide = AnswersInTurn.decide


def _decide_at_most_100_times(policy: AnswersInTurn, stats: PrecopyStats) -> Decision:
    return _decide(policy, stats) if stats.iteration < 50 else STOP


@pytest.mark.parametrize(("check", "fault"), FAULTS.items(), ids=FAULTS)
def test_a_fault_in_the_record_is_caught(check: str, fault: Any, endless_runs_cut: None) -> None:
    assert check in checks_that_fail_with(fault)


def test_a_backend_whose_guest_is_lost_is_caught() -> None:
    class Contract(BackendContract):
        def make_backend(self) -> SimBackend:
            return SimBackend(memory="16MiB", workload=Uniform(rate_pages_s=20_000))

        def running_sides(self, backend: Any) -> list[Side]:
            return []

    caught = failing_checks(Contract)
    assert len(caught) >= 8
    assert "test_closing_the_iterator_leaves_the_guest_at_the_source" in caught


def test_a_backend_that_asks_once_a_pass_is_caught() -> None:
    class AskedOnce(SimBackend):
        def migrate(self, migration: Migration, policy: Policy) -> Iterator[Event]:
            class Once:
                def decide(self, stats: PrecopyStats) -> Decision:
                    return CONTINUE if stats.dirty_pages is None else policy.decide(stats)

            return super().migrate(migration, Once())

    class Contract(BackendContract):
        def make_backend(self) -> SimBackend:
            return AskedOnce(memory="16MiB", workload=Uniform(rate_pages_s=20_000))

    assert "test_the_policy_is_asked_twice_a_pass" in failing_checks(Contract)


def test_a_backend_that_swallows_the_policy_s_error_is_caught() -> None:
    class Swallowing(SimBackend):
        def migrate(self, migration: Migration, policy: Policy) -> Iterator[Event]:
            try:
                yield from super().migrate(migration, policy)
            except ArithmeticError:
                raise MigrationError("It failed.") from None

    class Contract(BackendContract):
        def make_backend(self) -> SimBackend:
            return Swallowing(memory="16MiB", workload=Uniform(rate_pages_s=20_000))

    assert failing_checks(Contract) <= {"test_a_policy_that_fails_leaves_the_guest_at_the_source"}


def test_a_backend_is_closed_after_each_check_even_a_failed_one() -> None:
    closed: list[bool] = []

    class Closing(Broken):
        def close(self) -> None:
            closed.append(True)

    class Contract(BackendContract):
        def make_backend(self) -> Broken:
            return Closing(lambda _: [])

    with pytest.raises(IndexError):
        Contract().test_a_run_is_passes_and_then_one_stop()
    assert closed == [True]


def test_guests_may_be_records_with_a_side() -> None:
    @dataclass
    class Guest:
        side: Side
        running: bool

    class Two:
        def guests(self) -> list[Guest]:
            return [Guest(Side.SOURCE, running=False), Guest(Side.DESTINATION, running=True)]

    assert BackendContract().running_sides(Two()) == [Side.DESTINATION]
    assert BackendContract().running_sides(object()) is None


def checks_that_fail_for(kind: type) -> set[str]:
    class Contract(PolicyContract):
        def make_policy(self) -> Any:
            return kind()

    return failing_checks(Contract)


def test_a_policy_that_remembers_is_caught() -> None:
    @dataclass(frozen=True)
    class Counting:
        def decide(self, stats: PrecopyStats) -> Decision:
            calls.append(1)
            return STOP if len(calls) > 20 else CONTINUE

    calls: list[int] = []
    assert "test_the_same_numbers_get_the_same_answer" in checks_that_fail_for(Counting)


def test_a_policy_that_can_be_changed_is_caught() -> None:
    @dataclass(unsafe_hash=True)
    class Loose:
        limit: int = 3

        def decide(self, stats: PrecopyStats) -> Decision:
            return STOP if stats.iteration >= self.limit else CONTINUE

    assert checks_that_fail_for(Loose) == {"test_it_is_frozen_data"}


def test_a_policy_that_never_ends_is_caught_unless_it_says_so() -> None:
    @dataclass(frozen=True)
    class Patient:
        def decide(self, stats: PrecopyStats) -> Decision:
            return CONTINUE

    class Contract(PolicyContract):
        endless = True

        def make_policy(self) -> Any:
            return Patient()

    assert checks_that_fail_for(Patient) == {"test_it_ends"}
    assert failing_checks(Contract) == set()


def test_a_policy_that_cannot_live_without_measurements_is_caught() -> None:
    @dataclass(frozen=True)
    class Assuming:
        def decide(self, stats: PrecopyStats) -> Decision:
            return STOP if stats.elapsed_s > 3 else CONTINUE  # type: ignore[operator]

    assert "test_the_same_numbers_get_the_same_answer" in checks_that_fail_for(Assuming)


def test_a_policy_that_stops_without_a_reason_is_caught() -> None:
    @dataclass(frozen=True)
    class Silent(ThresholdPolicy):
        def reason(self, stats: PrecopyStats) -> StopReason:
            return StopReason.UNKNOWN

    assert "test_a_stop_has_a_reason" in checks_that_fail_for(Silent)


def test_a_contract_that_does_not_say_what_it_proves_is_refused() -> None:
    with pytest.raises(NotImplementedError):
        BackendContract().make_backend()
    with pytest.raises(NotImplementedError):
        PolicyContract().make_policy()


def test_a_script_that_ends_too_early_says_so() -> None:
    world = ScriptedWorld(64)
    world.all_pages()
    with pytest.raises(AssertionError, match="no further dirty set"):
        world.collect_dirty()


def test_answers_in_turn_raise_what_is_an_exception() -> None:
    policy = AnswersInTurn(STOP, ArithmeticError("no"))
    assert policy.decide(STATS) is STOP
    with pytest.raises(ArithmeticError):
        policy.decide(STATS)
    assert policy.decide(STATS) is CONTINUE


def test_a_witness_hides_neither_answer_nor_reason_nor_name() -> None:
    witness = Witness(ThresholdPolicy(min_remaining=65))
    assert (witness.decide(STATS), witness.reason(STATS), witness.name) == (STOP, StopReason.MIN_REMAINING, "threshold")
    assert witness.calls == [(STATS, STOP)]
    assert Witness(AnswersInTurn()).reason(STATS) is StopReason.POLICY


def test_no_passes_hold_no_calls() -> None:
    assert recorded_calls([], memory_pages=64) == []


def test_a_contract_is_proved_in_one_call_and_names_its_checks():
    class Mine(PolicyContract):
        def make_policy(self) -> Policy:
            return ThresholdPolicy()

    assert "test_it_ends" in prove(Mine())


def test_a_proof_that_fails_says_what_was_expected():
    class Endless(PolicyContract):
        def make_policy(self) -> Policy:
            return AnswersInTurn([CONTINUE])

    with pytest.raises(AssertionError):
        prove(Endless())
