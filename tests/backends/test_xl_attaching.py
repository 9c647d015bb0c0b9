"""A migration that outlives its watcher, taken up again: on a scripted dom0, with real cargo and a real store."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.backends.xen_host import MIGRATION, Flaky, ScriptedDom0, wait_until
from xlkit.backends.xl import XlBackend
from xlkit.errors import PreflightError
from xlkit.model import Action, Run, Status, StopReason
from xlkit.policies import NoProgressPolicy, ThresholdPolicy
from xlkit.runner import attach, run, start
from xlkit.store import RunStore

NEVER = ThresholdPolicy(min_remaining=1, max_iters=100_000)
FIVE_PASSES = ThresholdPolicy(min_remaining=1)


@pytest.fixture
def dom0(tmp_path: Path, libraries: Path) -> ScriptedDom0:
    return ScriptedDom0(tmp_path, libraries)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


@pytest.fixture
def lose(dom0: ScriptedDom0, store: RunStore) -> Callable[..., Run]:
    """Begin a migration, and lose its watcher for good once it runs or as soon as a test says."""

    def begin(policy: object, *, when: Callable[[object], bool] = begun) -> Run:
        host = Flaky(dom0.host())
        backend = XlBackend(host=host, base=str(dom0.base), reconnect_s=0)
        handle = start(MIGRATION, policy, backend, store=store)
        wait_until(lambda: host.streams)
        wait_until(lambda: when(handle))
        host.cut(for_good=True)
        return handle.wait(20)

    return begin


def begun(_handle: object) -> bool:
    return True


def test_it_is_recorded_whole_under_its_old_name(dom0: ScriptedDom0, store: RunStore, lose: Callable[..., Run]) -> None:
    dom0.write_script(dirty=(4000, 3000, 2000, 1000, 500), chunk_us=20_000)
    lost = lose(FIVE_PASSES)
    assert lost.stop.status is Status.INCOMPLETE
    assert "xlkit attach" in lost.stop.message
    whole = attach(-1, dom0.backend(), store=store).wait(60)
    assert [one.dirty_pages for one in whole.iterations] == [4096, 4000, 3000, 2000, 1000, 12]
    assert (whole.run_id, whole.stop.status) == (lost.run_id, Status.COMPLETED)
    assert list(store) == [whole]
    assert not dom0.base.exists()


def test_one_that_ended_meanwhile_is_recorded_as_well(
    dom0: ScriptedDom0, store: RunStore, lose: Callable[..., Run]
) -> None:
    lose(FIVE_PASSES)
    wait_until(lambda: "xl-exited" in dom0.events())
    whole = attach(-1, dom0.backend(), store=store).wait(60)
    assert (whole.stop.status, len(whole.iterations)) == (Status.COMPLETED, 6)


def test_the_orders_of_the_first_watcher_are_in_the_record(
    dom0: ScriptedDom0, store: RunStore, lose: Callable[..., Run]
) -> None:
    dom0.write_script(dirty=(4000,), chunk_us=20_000)

    def changed(handle: object) -> bool:
        if handle.policy == NEVER:
            handle.set_policy(ThresholdPolicy(min_remaining=5000))
        return '"seq": 1' in dom0.events()

    lose(NEVER, when=changed)
    whole = attach(-1, dom0.backend(), store=store).wait(60)
    assert [one.policy for one in whole.controls] == [ThresholdPolicy(min_remaining=5000)]
    assert (whole.stop.status, whole.stop.stop_reason) == (Status.COMPLETED, StopReason.MIN_REMAINING)
    assert "the policy" not in whole.stop.message


def test_orders_can_be_given_again_and_come_after_the_first_ones(
    dom0: ScriptedDom0, store: RunStore, lose: Callable[..., Run]
) -> None:
    dom0.write_script(dirty=(4000,), chunk_us=20_000)
    other = ThresholdPolicy(min_remaining=2, max_iters=90_000)

    def changed(handle: object) -> bool:
        if handle.policy == NEVER:
            handle.set_policy(other)
        return '"seq": 1' in dom0.events()

    lose(NEVER, when=changed)
    handle = attach(-1, dom0.backend(), store=store)
    handle.wait_change(1, 60)
    handle.stop_now()
    whole = handle.wait(60)
    assert [(one.action, one.policy) for one in whole.controls] == [(Action.SET_POLICY, other), (Action.STOP_NOW, None)]
    assert (whole.stop.status, whole.stop.stop_reason) == (Status.COMPLETED, StopReason.OPERATOR)


def test_an_order_that_comes_at_once_replaces_the_rule_as_well(
    dom0: ScriptedDom0, store: RunStore, lose: Callable[..., Run]
) -> None:
    dom0.write_script(dirty=(4000,), chunk_us=20_000)
    lose(NEVER)
    handle = attach(-1, dom0.backend(), store=store)
    handle.set_policy(ThresholdPolicy(min_remaining=5000))
    whole = handle.wait(60)
    assert [one.policy for one in whole.controls] == [ThresholdPolicy(min_remaining=5000)]
    assert (whole.stop.status, whole.stop.stop_reason) == (Status.COMPLETED, StopReason.MIN_REMAINING)


def test_it_can_be_aborted(dom0: ScriptedDom0, store: RunStore, lose: Callable[..., Run]) -> None:
    dom0.write_script(p2m=1 << 20, dirty=(1,), chunk_us=20_000)
    lose(NEVER)
    wait_until(lambda: '"progress"' in dom0.events())
    handle = attach(-1, dom0.backend(), store=store)
    handle.abort()
    whole = handle.wait(60)
    assert whole.stop.status is Status.ABORTED
    assert [one.action for one in whole.controls] == [Action.ABORT]
    assert dom0.sides() == [whole.stop.runs_at]
    assert store[-1] == whole
    assert not dom0.base.exists()


def test_a_policy_that_only_python_knows_answers_again(
    dom0: ScriptedDom0, store: RunStore, lose: Callable[..., Run]
) -> None:
    dom0.write_script(chunk_us=20_000)
    lose(NoProgressPolicy(least_shrink=0.5))
    whole = attach(-1, dom0.backend(), store=store).wait(60)
    assert [one.dirty_pages for one in whole.iterations] == [4096, 800, 700, 12]
    assert whole.stop.stop_reason is StopReason.NO_PROGRESS


def test_a_second_loss_keeps_what_was_known(dom0: ScriptedDom0, store: RunStore, lose: Callable[..., Run]) -> None:
    dom0.write_script(dirty=(4000, 3000, 2000, 1000, 500), chunk_us=20_000)
    lost = lose(FIVE_PASSES, when=lambda handle: len(handle.iterations) >= 2)
    host = Flaky(dom0.host())
    again = attach(-1, XlBackend(host=host, base=str(dom0.base), reconnect_s=0), store=store)
    wait_until(lambda: host.streams)
    host.cut(for_good=True)
    again.wait(20)
    assert len(store[-1].iterations) >= len(lost.iterations)
    assert attach(-1, dom0.backend(), store=store).wait(60).complete


def test_there_must_be_something_to_attach_to(dom0: ScriptedDom0, store: RunStore, lose: Callable[..., Run]) -> None:
    lost = lose(FIVE_PASSES)
    wait_until(lambda: "xl-exited" in dom0.events())
    dom0.base.rename(dom0.folder / "elsewhere")
    with pytest.raises(PreflightError, match="nothing to attach to"):
        attach(-1, dom0.backend(), store=store).wait(20)
    assert list(store) == [lost], "the record stays as it is"


def test_a_run_that_has_its_end_is_refused(dom0: ScriptedDom0, store: RunStore) -> None:
    run(MIGRATION, FIVE_PASSES, dom0.backend(), store=store)
    with pytest.raises(PreflightError, match="has its end"):
        attach(-1, dom0.backend(), store=store)


def test_a_run_that_somebody_records_now_is_refused(dom0: ScriptedDom0, store: RunStore) -> None:
    dom0.write_script(dirty=(4000,), chunk_us=20_000)
    handle = start(MIGRATION, NEVER, dom0.backend(), store=store)
    handle.wait_change(0, 60)
    with pytest.raises(PreflightError, match="being recorded now"):
        attach(handle.run_id, dom0.backend(), store=store)
    handle.abort()
    assert handle.wait(60).stop.status is Status.ABORTED
