"""What every backend keeps."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, ClassVar

from xlkit.errors import MigrationError
from xlkit.model import Decision, Iteration, Migration, Phase, Run, RunStart, RunStop, Setup, Side, Status, StopReason
from xlkit.policies import ThresholdPolicy
from xlkit.protocols import Policy
from xlkit.replays import replay
from xlkit.switch import Switch
from xlkit.testing._calls import AnswersInTurn, Witness, recorded_calls
from xlkit.testing._expect import expect

_ALL = 2**32 - 1


@dataclass(frozen=True, slots=True)
class _Outcome:
    setup: Setup
    events: list[Iteration | RunStop]
    witness: Witness

    @property
    def stop(self) -> RunStop:
        return next(one for one in self.events if isinstance(one, RunStop))

    @property
    def passes(self) -> list[Iteration]:
        return [one for one in self.events if isinstance(one, Iteration)]

    @property
    def live(self) -> list[Iteration]:
        return [one for one in self.passes if one.phase is Phase.PRECOPY]

    @property
    def final(self) -> list[Iteration]:
        return [one for one in self.passes if one.phase is Phase.STOP_AND_COPY]


class BackendContract:
    """Prove a backend: inherit, name the class ``Test...``, and say how the backend is made.

    The guest should be small, so that a migration takes well under a second, and write so fast that each pass finds
    dirty pages (16 MiB, 20 000 pages/s over 1 Gbit/s). A backend that can be closed is closed after each check; where
    it has ``guests()``, it is also held to run exactly one.

    Examples
    --------
    >>> class TestMine(BackendContract):
    ...     def make_backend(self):
    ...         return MyBackend(memory="16MiB")
    """

    _kept: ClassVar[_Outcome | None] = None

    def make_backend(self) -> Any:
        """Return a new backend that has not migrated anything yet."""
        raise NotImplementedError

    def make_migration(self) -> Migration:
        """Return what to migrate."""
        return Migration("guest", "destination")

    def running_sides(self, backend: Any) -> list[Side] | None:
        """Tell on which sides a guest runs now; None where the backend cannot tell.

        A backend's ``guests()`` may hold sides, or records with a ``side`` and, if not all of them run, ``running``.
        """
        if not hasattr(backend, "guests"):
            return None
        return [getattr(one, "side", one) for one in backend.guests() if getattr(one, "running", True)]

    def test_preflight_tells_the_setup_and_changes_nothing(self) -> None:
        """Hold that preflight can be asked twice, starts no guest, and returns what JSON can hold."""
        with self._opened() as backend:
            before = self.running_sides(backend)
            setups = [backend.preflight(self.make_migration()) for _ in range(2)]
            expect(setups[0].settings == setups[1].settings, "Asked twice, preflight returns different settings.")
            expect(self.running_sides(backend) == before, "Preflight started or ended a guest.")
            json.dumps(dict(setups[0].settings))

    def test_a_run_is_passes_and_then_one_stop(self) -> None:
        """Hold that the last event, and only the last, is a `RunStop`."""
        events = self._three_passes().events
        expect(isinstance(events[-1], RunStop), f"The run ends with {events[-1]!r}.")
        expect(all(isinstance(one, Iteration) for one in events[:-1]), "Something but a pass comes before the end.")

    def test_a_stop_by_max_iters_sends_so_many_live_passes(self) -> None:
        """Hold Xen's counting: passes from 0, and a final pass with the number at which the policy stopped."""
        outcome = self._three_passes()
        self._expect_numbers(outcome, live=[0, 1, 2], final=[3], reason=StopReason.MAX_ITERS)
        expect(outcome.live[-1].decision_after is Decision.STOP_AND_COPY, "The stop is not in the last live pass.")

    def test_a_stop_by_min_remaining_still_sends_its_set_live(self) -> None:
        """Hold that the set that was few enough goes out while the guest runs, and the blackout has another one."""
        outcome = self._migrate(ThresholdPolicy(min_remaining=_ALL))
        self._expect_numbers(outcome, live=[0], final=[0], reason=StopReason.MIN_REMAINING)
        only = outcome.live[0]
        expect(only.decision_before is Decision.STOP_AND_COPY, "The stop is not recorded before the pass.")
        expect(only.decision_after is None, "The policy was asked again after it had stopped.")
        expect(only.sent_pages, "The set before which the policy stopped was not sent.")

    def test_the_policy_is_asked_twice_a_pass(self) -> None:
        """Hold that it sees the dirty count before a pass, and right after it that the count is unknown."""
        calls = [stats for stats, _ in self._three_passes().witness.calls]
        expect([one.iteration for one in calls] == [0, 1, 1, 2, 2, 3], "The calls are numbered otherwise than Xen's.")
        known = [one.dirty_pages is not None for one in calls]
        expect(known == [True, False] * 3, "The dirty count is not known before each pass and unknown after it.")

    def test_the_record_holds_what_the_policy_saw(self) -> None:
        """Hold that every call can be read back from the passes, number for number."""
        outcome = self._three_passes()
        recorded = recorded_calls(outcome.passes, outcome.setup.memory_pages)
        seen = outcome.witness.calls
        expect(
            [_xens(call) for call in recorded] == [_xens(call) for call in seen], "Recorded and witnessed calls differ."
        )

    def test_a_run_replayed_under_its_own_policy_ends_as_recorded(self) -> None:
        """Hold that the record alone gives the stop again: its call, its rule and the set of the blackout."""
        policies: list[ThresholdPolicy] = [ThresholdPolicy(min_remaining=_ALL), ThresholdPolicy(1, 3)]
        for policy, outcome in zip(policies, [self._migrate(policies[0]), self._three_passes()], strict=True):
            own = replay(self._run(policy, outcome), policy)
            (final,) = outcome.final
            expect(not own.censored, f"Replayed under its own policy, the record ends before {policy} does.")
            expected = (outcome.stop.stop_reason, final.iteration, len(outcome.live), final.dirty_pages)
            told = (own.stop_reason, own.iteration, own.live_passes, own.final_pages)
            expect(told == expected, f"Replayed under its own policy, the run ends as {told}, recorded is {expected}.")

    def test_a_page_map_adds_up_to_the_set_that_it_shows(self) -> None:
        """Hold that a map, where a backend has one, holds each page of the set once, in as many parts every time."""
        passes = self._three_passes().passes
        maps = [(one, one.map_pages) for one in passes if one.map_pages is not None]
        for one, parts in maps:
            expect(sum(parts) == one.dirty_pages, f"The page map of pass {one.iteration} does not add up to its set.")
            expect(min(parts) >= 0, f"The page map of pass {one.iteration} has a part of fewer than no pages.")
        expect(len(maps) in {0, len(passes)}, "Some passes have a page map, and some have none.")
        expect(len({len(parts) for _, parts in maps}) <= 1, "The page maps differ in how many parts they have.")

    def test_the_counter_of_written_pages_adds_up(self) -> None:
        """Hold that it counts the passes before, from 0, and not the one that it is shown with."""
        outcome = self._three_passes()
        expect(outcome.live[0].total_written_pages == 0, "The counter does not begin at 0.")
        for one, following in pairwise(outcome.passes):
            expected = one.total_written_pages + (one.dirty_pages or 0)
            expect(
                following.total_written_pages == expected, f"The counter does not add up after pass {one.iteration}."
            )

    def test_times_grow(self) -> None:
        """Hold that passes follow one another on one clock, and that the downtime lies at the end."""
        outcome = self._three_passes()
        times = [time_s for one in outcome.passes for time_s in (one.begun_s, one.ended_s)]
        expect(times == sorted(times) and times[0] >= 0, f"The times of the passes do not grow: {times}.")
        expect(outcome.stop.ended_s is None or outcome.stop.ended_s >= times[-1], "The run ends before its last pass.")
        expect(outcome.stop.downtime_s is None or outcome.stop.downtime_s >= 0, "The downtime is negative.")

    def test_a_completed_migration_leaves_one_guest_at_the_destination(self) -> None:
        """Hold that the guest runs at the destination, and nowhere else."""
        with self._opened() as backend:
            *_, stop = backend.migrate(self.make_migration(), ThresholdPolicy(max_iters=1))
            expect((stop.status, stop.runs_at) == (Status.COMPLETED, Side.DESTINATION), f"The run ended so: {stop}.")
            self._expect_one_guest(backend, Side.DESTINATION)

    def test_an_abort_before_a_pass_sends_nothing_of_it(self) -> None:
        """Hold that the pass is left out, and that the guest stays."""
        self._expect_abort(AnswersInTurn(Decision.CONTINUE, Decision.CONTINUE, Decision.ABORT), n_passes=1)

    def test_an_abort_after_a_pass_sends_no_further_one(self) -> None:
        """Hold that the pass before is recorded, and that the guest stays."""
        self._expect_abort(AnswersInTurn(Decision.CONTINUE, Decision.ABORT), n_passes=1)

    def test_an_abort_at_the_first_call_sends_nothing_at_all(self) -> None:
        """Hold that no pass is recorded, and that the guest stays."""
        self._expect_abort(AnswersInTurn(Decision.ABORT), n_passes=0)

    def test_closing_the_iterator_leaves_the_guest_at_the_source(self) -> None:
        """Hold that a run that nobody listens to any more is an abort."""
        with self._opened() as backend:
            events = backend.migrate(self.make_migration(), AnswersInTurn())
            next(events)
            events.close()
            self._expect_one_guest(backend, Side.SOURCE)

    def test_a_policy_that_fails_leaves_the_guest_at_the_source(self) -> None:
        """Hold that the policy's own error reaches the caller, itself or as the cause, and that the guest stays."""
        with self._opened() as backend:
            policy = AnswersInTurn(Decision.CONTINUE, ArithmeticError("no answer"))
            try:
                list(backend.migrate(self.make_migration(), policy))
            except (ArithmeticError, MigrationError) as error:
                told = [error, error.__cause__, error.__context__]
                expect(any("no answer" in str(one) for one in told), f"The policy's error got lost: {error!r}.")
            else:
                raise AssertionError("A policy that failed did not end the migration.")
            self._expect_one_guest(backend, Side.SOURCE)

    def test_a_second_migration_works(self) -> None:
        """Hold that a backend can be used again, after an abort and after a migration."""
        with self._opened() as backend:
            for policy in (AnswersInTurn(Decision.ABORT), ThresholdPolicy(max_iters=1), ThresholdPolicy(max_iters=1)):
                *_, stop = backend.migrate(self.make_migration(), policy)
            expect(stop.status is Status.COMPLETED, f"The second migration ended so: {stop}.")
            self._expect_one_guest(backend, Side.DESTINATION)

    def test_an_operator_can_stop_a_run(self) -> None:
        """Hold that `Switch.stop_now` leads to stop-and-copy, and is the recorded reason."""
        stop = self._operate(lambda switch: switch.stop_now())
        expect((stop.status, stop.stop_reason) == (Status.COMPLETED, StopReason.OPERATOR), f"The run ended so: {stop}.")

    def test_an_operator_can_replace_the_policy(self) -> None:
        """Hold that `Switch.set_policy` is obeyed by the run that is going on."""
        stop = self._operate(lambda switch: switch.set_policy(ThresholdPolicy(max_iters=1, min_remaining=1)))
        expected = {StopReason.MAX_ITERS, StopReason.MIN_REMAINING}
        expect(stop.status is Status.COMPLETED and stop.stop_reason in expected, f"The run ended so: {stop}.")

    def test_an_operator_can_abort_a_run(self) -> None:
        """Hold that `Switch.abort` ends the run, by a `RunStop` or an error, and that the guest stays."""
        with self._opened() as backend:
            switch = Switch(AnswersInTurn())
            try:
                events = backend.migrate(self.make_migration(), switch)
                next(events)
                switch.abort()
                *_, stop = events
                expect(stop.status is Status.ABORTED, f"The run ended so: {stop}.")
            except MigrationError:
                pass
            self._expect_one_guest(backend, Side.SOURCE)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        backend = self.make_backend()
        try:
            yield backend
        finally:
            getattr(backend, "close", lambda: None)()

    def _migrate(self, policy: Policy) -> _Outcome:
        witness = Witness(policy)
        with self._opened() as backend:
            setup = backend.preflight(self.make_migration())
            events = list(backend.migrate(self.make_migration(), witness))
        return _Outcome(setup, events, witness)

    def _run(self, policy: Policy, outcome: _Outcome) -> Run:
        start = RunStart(
            run_id="recorded",
            migration=self.make_migration(),
            backend="proved",
            policy=policy,
            started_at=datetime(2026, 1, 1, tzinfo=UTC),
            setup=outcome.setup,
        )
        return Run(start=start, iterations=tuple(outcome.passes), stop=outcome.stop)

    def _three_passes(self) -> _Outcome:
        """Migrate once for all checks that only read the record: starting a guest may be slow."""
        kept: _Outcome | None = vars(type(self)).get("_kept")
        if kept is None:
            kept = self._migrate(ThresholdPolicy(min_remaining=1, max_iters=3))
            type(self)._kept = kept  # noqa: SLF001 - its own class
        return kept

    def _operate(self, order: Callable[[Switch], None]) -> RunStop:
        switch = Switch(AnswersInTurn())
        with self._opened() as backend:
            events = backend.migrate(self.make_migration(), switch)
            next(events)
            order(switch)
            *_, stop = events
        expect(isinstance(stop, RunStop), f"The run ends with {stop!r}.")
        return stop  # type: ignore[no-any-return]

    def _expect_abort(self, policy: Policy, *, n_passes: int) -> None:
        with self._opened() as backend:
            *passes, stop = backend.migrate(self.make_migration(), policy)
            expect((stop.status, stop.runs_at) == (Status.ABORTED, Side.SOURCE), f"The run ended so: {stop}.")
            expect(len(passes) == n_passes, f"{len(passes)} passes are recorded, not {n_passes}.")
            self._expect_one_guest(backend, Side.SOURCE)

    def _expect_numbers(self, outcome: _Outcome, *, live: list[int], final: list[int], reason: StopReason) -> None:
        numbers = [one.iteration for one in outcome.live], [one.iteration for one in outcome.final]
        expect(numbers == (live, final), f"The passes are numbered {numbers}, not {(live, final)}.")
        expect(outcome.stop.stop_reason is reason, f"The reason is {outcome.stop.stop_reason}, not {reason}.")

    def _expect_one_guest(self, backend: Any, side: Side) -> None:
        sides = self.running_sides(backend)
        expect(sides in (None, [side]), f"Guests run at {sides}, not one at the {side}.")


def _xens(call: tuple[Any, Decision]) -> tuple[int, int | None, int, Decision]:
    stats, answer = call
    return stats.iteration, stats.dirty_pages, stats.total_written_pages, answer
