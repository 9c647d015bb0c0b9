"""start(): a run in a thread of its own, and what its handle can do."""

import signal
import threading
import time

import pytest

from tests.records import ScriptedBackend, a_pass, a_stop
from tests.test_runner import obedient
from xlkit.errors import EngineError, InvalidValueError, PreflightError
from xlkit.model import Action, Migration, RunStop, Status, StopReason
from xlkit.policies import SusePolicy, ThresholdPolicy
from xlkit.runner import start
from xlkit.store import RunStore

DEMO = Migration("demo")
LONG_S = 30


class Gate:
    """A script that waits before each event until it is let on."""

    def __init__(self, script=obedient):
        self._script = script
        self._let = threading.Semaphore(0)

    def let(self, events=1):
        self._let.release(events)

    def __call__(self, policy):
        events = self._script(policy)
        while True:
            self._let.acquire(timeout=LONG_S)
            event = next(events, None)
            if event is None:
                return
            yield event


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.let(100)


def begin(script=None, policy=None):
    return start(DEMO, policy or ThresholdPolicy(max_iters=9), ScriptedBackend(script))


def test_wait_returns_the_run_that_was_recorded():
    handle = begin()
    done = handle.wait(LONG_S)
    assert done.run_id == handle.run_id
    assert RunStore()[handle.run_id] == done
    assert handle.wait() is done


def test_iterations_can_be_seen_while_the_run_goes_on(gate):
    handle = begin(gate)
    assert (handle.status, handle.iterations) == (Status.RUNNING, ())
    gate.let(2)
    handle.wait_change(1, LONG_S)
    assert [one.iteration for one in handle.iterations] == [0, 1]
    assert repr(handle) == f"<RunHandle {handle.run_id} running: 2 iterations>"


def test_a_snapshot_holds_what_is_new(gate):
    handle = begin(gate)
    gate.let(3)
    for known in range(3):
        handle.wait_change(known, LONG_S)
    seen = handle.snapshot(2)
    assert [one.iteration for one in seen.iterations] == [2]
    assert (seen.final, seen.stop, seen.error) == (False, None, None)


def test_waiting_for_a_change_ends_when_the_time_is_over(gate):
    seen = begin(gate).wait_change(0, 0.01)
    assert (seen.status, seen.iterations) == (Status.RUNNING, ())


def test_waiting_for_a_change_ends_with_the_run():
    handle, begun_s = begin(), time.monotonic()
    seen = handle.wait_change(99, LONG_S)
    assert time.monotonic() - begun_s < LONG_S
    assert (seen.final, seen.status, seen.stop) == (True, Status.COMPLETED, a_stop())


def test_a_final_status_means_that_the_run_is_sealed():
    handle = begin()
    handle.wait_change(99, LONG_S)
    assert (RunStore().path / f"{handle.run_id}.parquet").exists()


def test_the_end_is_shown_only_when_everything_is_recorded_and_heard():
    reached, release = threading.Event(), threading.Event()

    def linger(event):
        if isinstance(event, RunStop):
            reached.set()
            release.wait(LONG_S)

    handle = start(DEMO, ThresholdPolicy(), ScriptedBackend(), watchers=[linger])
    reached.wait(LONG_S)
    assert (handle.status, handle.snapshot().stop) == (Status.RUNNING, None)
    release.set()
    assert handle.wait(LONG_S).stop == handle.snapshot().stop == a_stop()


def test_stop_now_goes_to_stop_and_copy_at_the_next_call(gate):
    handle = begin(gate)
    gate.let()
    handle.wait_change(0, LONG_S)
    handle.stop_now()
    gate.let(100)
    done = handle.wait(LONG_S)
    assert (len(done.iterations), done.stop.stop_reason) == (2, StopReason.OPERATOR)
    assert [one.action for one in done.controls] == [Action.STOP_NOW]


def test_abort_gives_the_migration_up(gate):
    handle = begin(gate)
    handle.abort()
    gate.let(100)
    done = handle.wait(LONG_S)
    assert (done.stop.status, done.iterations) == (Status.ABORTED, ())
    assert handle.status is Status.ABORTED


def test_another_policy_takes_over_at_the_next_call(gate):
    handle = begin(gate)
    handle.set_policy(SusePolicy(max_iters=2))
    assert handle.policy == SusePolicy(max_iters=2)
    gate.let(100)
    assert len(handle.wait(LONG_S).iterations) == 3


def test_wait_raises_what_the_run_failed_with_as_often_as_it_is_asked():
    def script(policy):
        yield a_pass(0)
        raise EngineError("the receiver died")

    handle = begin(script)
    for _ in range(2):
        with pytest.raises(EngineError, match="the receiver died"):
            handle.wait(LONG_S)
    assert handle.status is Status.FAILED
    assert isinstance(handle.snapshot().error, EngineError)


def test_a_failed_preflight_comes_out_of_wait_and_leaves_no_record():
    backend = ScriptedBackend()

    def preflight(migration):
        raise PreflightError("no such guest")

    backend.preflight = preflight
    handle = start(DEMO, ThresholdPolicy(), backend)
    with pytest.raises(PreflightError, match="no such guest"):
        handle.wait(LONG_S)
    assert (handle.status, handle.snapshot().stop, len(RunStore())) == (Status.FAILED, None, 0)


def test_an_argument_of_the_wrong_kind_is_refused_at_once():
    with pytest.raises(InvalidValueError, match="migration must be"):
        start("demo", ThresholdPolicy(), ScriptedBackend())


def test_wait_gives_up_after_its_time_and_the_run_goes_on(gate):
    handle = begin(gate)
    with pytest.raises(TimeoutError, match=r"still going on after 0.01 s: stop_now\(\)"):
        handle.wait(0.01)
    gate.let(100)
    assert handle.wait(LONG_S).complete


def test_ctrl_c_ends_the_waiting_and_not_the_run(gate):
    handle = begin(gate)
    interrupt(after_s=0.2)
    with pytest.raises(KeyboardInterrupt, match=rf"{handle.run_id} goes on: .*abort\(\)"):
        handle.wait(LONG_S)
    gate.let(100)
    assert handle.wait(LONG_S).stop.status is Status.COMPLETED


def interrupt(after_s):
    """Press Ctrl-C soon: the signal reaches this thread, wherever it waits."""
    main = threading.main_thread().ident
    timer = threading.Timer(after_s, signal.pthread_kill, (main, signal.SIGINT))
    timer.daemon = True
    timer.start()


def test_two_runs_at_once_do_not_disturb_each_other():
    handles = [begin() for _ in range(4)]
    assert {handle.wait(LONG_S).run_id for handle in handles} == set(RunStore().run_ids())
