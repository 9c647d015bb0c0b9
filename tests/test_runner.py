"""run(): the start is on disk first, the journal hears first, and every way out ends in exactly one stop."""

import re
import signal
from contextlib import ExitStack

import pytest

from tests.processes import files_limited_to
from tests.records import SETUP, ScriptedBackend, a_final_pass, a_pass, a_run, a_stop
from xlkit.errors import (
    EngineError,
    InvalidValueError,
    MigrationError,
    PreflightError,
    StoreError,
    UndefinedOutcomeError,
)
from xlkit.model import (
    Action,
    Decision,
    Migration,
    PrecopyStats,
    RunStart,
    RunStop,
    Side,
    Status,
    StopReason,
)
from xlkit.policies import SusePolicy, ThresholdPolicy
from xlkit.runner import run
from xlkit.store import RunStore, StoreWarning
from xlkit.switch import Switch

DEMO = Migration("demo")
# Too long a line for a small disk, but little once it is compressed.
LARGE = (7,) * 20_000


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


def go(script=None, *, policy=None, **options):
    return run(DEMO, policy or ThresholdPolicy(), ScriptedBackend(script), **options)


def test_a_finished_run_is_returned_and_recorded(store):
    done = go(store=store)
    assert (done.iterations, done.stop) == (a_run().iterations, a_stop())
    assert (done.start.migration, done.start.backend, done.start.setup) == (DEMO, "scripted", SETUP)
    assert store[-1] == done


def test_without_a_store_the_default_one_is_taken(own_store):
    done = go()
    assert RunStore(own_store)[-1] == done


def test_run_ids_sort_by_time(store):
    ids = [go(store=store).run_id for _ in range(5)]
    assert ids == store.run_ids()
    assert all(re.fullmatch(r"\d{8}T\d{9}-[0-9a-f]{6}", one) for one in ids)


def test_the_start_is_on_disk_before_the_first_page_moves(store):
    def script(policy):
        (head,) = RunStore(store.path).heads()
        assert (head.stop.status, head.n_iterations) == (Status.RUNNING, 0)
        yield a_stop()

    assert go(script, store=store).stop == a_stop()


def test_each_iteration_is_on_disk_before_the_next_pass(store):
    def script(policy):
        for number in range(3):
            yield a_pass(number)
            assert RunStore(store.path).heads()[0].n_iterations == number + 1
        yield a_stop()

    assert len(go(script, store=store).iterations) == 3


def test_a_failed_preflight_starts_and_records_nothing(store):
    backend = ScriptedBackend(pytest.fail)

    def preflight(migration):
        raise PreflightError("The destination has too little memory.")

    backend.preflight = preflight
    with pytest.raises(PreflightError, match="too little memory"):
        run(DEMO, ThresholdPolicy(), backend, store=store)
    assert not store.path.exists()


@pytest.mark.parametrize(("migration", "policy"), [("demo", ThresholdPolicy()), (DEMO, 50), (None, ThresholdPolicy())])
def test_an_argument_of_the_wrong_kind_is_refused_before_anything_starts(store, migration, policy):
    with pytest.raises(InvalidValueError, match="must"):
        run(migration, policy, ScriptedBackend(), store=store)
    assert not store.path.exists()


WAYS_OUT = [
    (EngineError("the receiver died"), Status.FAILED, StopReason.FAILED, Side.SOURCE),
    (RuntimeError("a defect"), Status.FAILED, StopReason.FAILED, Side.SOURCE),
    (UndefinedOutcomeError("look at both hosts"), Status.UNDEFINED, StopReason.FAILED, Side.UNKNOWN),
    (KeyboardInterrupt(), Status.ABORTED, StopReason.ABORTED, Side.SOURCE),
    (GeneratorExit(), Status.ABORTED, StopReason.ABORTED, Side.SOURCE),
    (SystemExit(3), Status.ABORTED, StopReason.ABORTED, Side.SOURCE),
]


@pytest.mark.parametrize(("error", "status", "reason", "side"), WAYS_OUT)
def test_every_error_is_recorded_in_one_stop_and_raised_again(store, error, status, reason, side):
    heard = []

    def script(policy):
        yield a_pass(0)
        raise error

    with pytest.raises(type(error)) as caught:
        go(script, store=store, watchers=[heard.append])
    stop = store[-1].stop
    assert caught.value is error
    assert (stop.status, stop.stop_reason, stop.runs_at) == (status, reason, side)
    assert str(error) in stop.message
    assert stop.message
    assert [one for one in heard if isinstance(one, RunStop)] == [stop]
    assert store[-1].iterations == (a_pass(0),)


@pytest.mark.parametrize("error", [EngineError("verification broke"), KeyboardInterrupt()])
def test_after_the_hand_over_an_error_leaves_the_guest_at_the_destination(store, error):
    def script(policy):
        yield a_final_pass(0)
        raise error

    with pytest.raises(type(error)):
        go(script, store=store)
    assert (store[-1].stop.status, store[-1].stop.runs_at) == (Status.FAILED, Side.DESTINATION)
    assert (str(error) or "KeyboardInterrupt); the guest runs at the destination") in store[-1].stop.message


def test_a_backend_that_ends_without_a_stop_has_failed(store):
    with pytest.raises(MigrationError, match="scripted ended without saying how; the guest runs at the source"):
        go(lambda policy: iter([a_pass(0)]), store=store)
    assert store[-1].stop.status is Status.FAILED


def test_what_a_backend_yields_after_its_stop_is_not_recorded(store):
    done = go(lambda policy: iter([a_stop(), a_pass(0), a_stop(message="again")]), store=store)
    assert (done.iterations, done.stop) == ((), a_stop())


def test_an_error_after_the_stop_is_raised_and_the_stop_stands(store):
    def script(policy):
        yield a_stop(status=Status.ABORTED)
        raise EngineError("a process stayed behind")

    with pytest.raises(EngineError, match="stayed behind"):
        go(script, store=store)
    assert store[-1].stop.status is Status.ABORTED


class PressedOnce(Switch):
    """Ctrl-C comes while the loop is between two events."""

    pressed = False

    def taken_up(self):
        if not self.pressed:
            self.pressed = True
            signal.raise_signal(signal.SIGINT)
        return super().taken_up()


def test_ctrl_c_closes_the_backend_is_recorded_and_raised_again(store):
    backend = ScriptedBackend(lambda policy: iter([a_pass(0), a_pass(1)]))
    with pytest.raises(KeyboardInterrupt):
        run(DEMO, PressedOnce(ThresholdPolicy()), backend, store=store)
    assert backend.closed
    assert store[-1].stop.status is Status.ABORTED
    assert store[-1].stop.message == "Interrupted (KeyboardInterrupt); the guest runs at the source."


def obedient(policy):
    """Ask the policy as the precopy loop does, and obey."""
    for number in range(10):
        stats = PrecopyStats(iteration=number, dirty_pages=1000 >> number, total_written_pages=0)
        answer = policy.decide(stats)
        if answer is Decision.ABORT:
            yield a_stop(status=Status.ABORTED, stop_reason=policy.reason(stats), runs_at=Side.SOURCE)
            return
        yield a_pass(number, decision_before=answer)
        if answer is Decision.STOP_AND_COPY:
            yield a_stop(stop_reason=policy.reason(stats))
            return


def test_a_policy_that_aborts_ends_the_run_without_an_error(store):
    class Never:
        def decide(self, stats):
            return Decision.ABORT

    done = go(obedient, policy=Never(), store=store)
    assert (done.stop.status, done.stop.runs_at) == (Status.ABORTED, Side.SOURCE)


def test_what_the_operator_does_is_recorded_before_the_pass_that_obeyed(store):
    switch = Switch(ThresholdPolicy(max_iters=9))

    def watched(policy):
        for event in obedient(policy):
            number = getattr(event, "iteration", None)
            if number == 1:
                switch.set_policy(SusePolicy(min_remaining=1, max_iters=8))
            if number == 2:
                switch.stop_now()
            yield event

    done = go(watched, policy=switch, store=store)
    assert [(one.action, one.iteration, one.policy) for one in done.controls] == [
        (Action.SET_POLICY, 2, SusePolicy(min_remaining=1, max_iters=8)),
        (Action.STOP_NOW, 3, None),
    ]
    assert (len(done.iterations), done.stop.stop_reason) == (4, StopReason.OPERATOR)
    assert done.start.policy == ThresholdPolicy(max_iters=9)
    assert store[-1] == done


def test_what_the_operator_did_is_recorded_also_when_the_pass_that_obeyed_fails(store):
    switch = Switch(ThresholdPolicy())
    switch.stop_now()

    def script(policy):
        policy.decide(PrecopyStats(iteration=0, dirty_pages=1000, total_written_pages=0))
        yield from ()
        raise EngineError("the receiver died")

    with pytest.raises(EngineError):
        go(script, policy=switch, store=store)
    assert [one.action for one in store[-1].controls] == [Action.STOP_NOW]


def test_an_abort_that_ends_in_an_error_of_the_backend_is_an_abort(store):
    switch = Switch(ThresholdPolicy())

    def script(policy):
        yield a_pass(0)
        switch.abort()
        raise EngineError("the pass was given up")

    done = go(script, policy=switch, store=store)
    assert (done.stop.status, done.stop.stop_reason, done.stop.runs_at) == (
        Status.ABORTED,
        StopReason.ABORTED,
        Side.SOURCE,
    )
    assert store[-1].stop.message == "the pass was given up"


def test_an_abort_whose_outcome_nobody_knows_is_undefined(store):
    switch = Switch(ThresholdPolicy())

    def script(policy):
        switch.abort()
        yield a_pass(0)
        raise UndefinedOutcomeError("look at both hosts")

    with pytest.raises(UndefinedOutcomeError):
        go(script, policy=switch, store=store)
    assert store[-1].stop.status is Status.UNDEFINED


def test_a_journal_that_cannot_write_ends_the_migration_and_says_where_the_guest_runs(store):
    backend = ScriptedBackend(lambda policy: iter([a_pass(0), a_pass(1, heartbeat_pages=LARGE), a_pass(2), a_stop()]))
    with files_limited_to(16_384), pytest.raises(StoreError, match=r"Cannot write .*\.jsonl.*guest runs at the source"):
        run(DEMO, ThresholdPolicy(), backend, store=store)
    assert backend.closed
    assert [one.iteration for one in store[-1].iterations] == [0, 1]
    assert (store[-1].stop.status, store[-1].stop.runs_at) == (Status.FAILED, Side.SOURCE)
    assert ".jsonl" in store[-1].stop.message


def fill_up(store, full_disk):
    """Leave no room for another line, nor for a parquet file."""
    (path,) = store.path.glob("*.jsonl")
    full_disk.enter_context(files_limited_to(path.stat().st_size + 10))


def test_a_disk_without_room_for_even_the_end_leaves_a_run_to_recover(store, caplog):
    with ExitStack() as full_disk:

        def script(policy):
            yield a_pass(0)
            fill_up(store, full_disk)
            yield a_pass(1)

        with pytest.warns(StoreWarning, match="recover"), pytest.raises(StoreError, match="runs at the source"):
            go(script, store=store)
    assert "was not recorded" in caplog.text
    (recovered,) = store.recover()
    assert (recovered.iterations, recovered.stop.status) == ((a_pass(0),), Status.INCOMPLETE)


def test_no_room_for_the_start_means_that_no_page_moves(store):
    with files_limited_to(10), pytest.raises(StoreError, match=r"\.jsonl"):
        go(pytest.fail, store=store)


def test_a_journal_that_fails_after_the_hand_over_says_so(store):
    with files_limited_to(16_384), pytest.raises(StoreError, match="guest runs at the destination"):
        go(lambda policy: iter([a_final_pass(0, heartbeat_pages=LARGE), a_stop()]), store=store)


def test_an_end_that_found_no_room_at_first_is_recorded_when_there_is_room_again(store):
    with ExitStack() as full_disk:

        def script(policy):
            fill_up(store, full_disk)
            try:
                yield a_stop(verified=True)
            finally:
                full_disk.close()

        with pytest.raises(StoreError, match="runs at the destination"):
            go(script, store=store)
    assert store[-1].stop == a_stop(verified=True)


def test_an_abort_whose_end_cannot_be_recorded_is_an_error_of_the_store(store):
    switch = Switch(ThresholdPolicy())
    with ExitStack() as full_disk:

        def script(policy):
            yield a_pass(0)
            switch.abort()
            fill_up(store, full_disk)
            raise EngineError("the pass was given up")

        with pytest.warns(StoreWarning, match="recover"), pytest.raises(StoreError, match="runs at the source"):
            go(script, policy=switch, store=store)


def test_a_journal_that_fails_while_an_abort_is_under_way_is_a_failure(store):
    switch = Switch(ThresholdPolicy())

    def script(policy):
        switch.abort()
        yield a_pass(0, heartbeat_pages=LARGE)

    with files_limited_to(16_384), pytest.raises(StoreError):
        go(script, policy=switch, store=store)
    assert store[-1].stop.status is Status.FAILED


@pytest.mark.parametrize(
    ("side", "told"), [(Side.DESTINATION, "runs at the destination"), (Side.UNKNOWN, "look at both hosts")]
)
def test_a_journal_that_cannot_take_the_end_tells_what_the_end_said(store, side, told):
    with ExitStack() as full_disk:

        def script(policy):
            fill_up(store, full_disk)
            yield a_stop(runs_at=side)

        with pytest.warns(StoreWarning, match="recover"), pytest.raises(StoreError, match=told):
            go(script, store=store)


def test_a_policy_that_raises_fails_the_run(store):
    class Broken:
        def decide(self, stats):
            raise ZeroDivisionError("in decide")

    with pytest.raises(ZeroDivisionError):
        go(obedient, policy=Broken(), store=store)
    assert (store[-1].stop.status, store[-1].stop.message) == (Status.FAILED, "in decide")


def test_the_run_begins_with_its_start_for_watchers_too(store):
    heard = []
    done = go(store=store, watchers=[heard.append])
    assert heard == [done.start, *done.iterations, done.stop]
    assert isinstance(heard[0], RunStart)
