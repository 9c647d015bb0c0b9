"""Every backend's runs, recorded by the runner and kept in a store, end under their own policy as recorded."""

import pytest

from tests.records import ScriptedBackend
from tests.replays.scene import BUSY
from tests.replays.test_replay import expect_the_recorded_end
from xlkit import LocalBackend, Migration, RunStore, SimBackend, ThresholdPolicy, replay, run, start
from xlkit.errors import MigrationError
from xlkit.model import StopReason
from xlkit.policies import TimeLimitPolicy, XcpNgPolicy

POLICIES = [ThresholdPolicy(1, 3), ThresholdPolicy(2**32 - 1), TimeLimitPolicy(1e-6, on_limit="abort"), XcpNgPolicy()]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda one: one.name)
@pytest.mark.parametrize("kind", [SimBackend, pytest.param(LocalBackend, marks=pytest.mark.slow)])
def test_a_run_from_the_store_ends_as_recorded(kind, policy):
    with kind(**BUSY) as backend:
        run(Migration("guest"), policy, backend)
    expect_the_recorded_end(RunStore()[-1])


def test_a_real_migration_ends_as_recorded():
    with LocalBackend(**BUSY) as backend:
        run(Migration("guest"), ThresholdPolicy(1, 3), backend)
    expect_the_recorded_end(RunStore()[-1])


@pytest.mark.parametrize("order", ["stop_now", "abort"])
def test_a_live_run_that_an_operator_ended_ends_as_recorded(order):
    with LocalBackend(**BUSY) as backend:
        handle = start(Migration("guest"), ThresholdPolicy(1, 10**6), backend)
        handle.wait_change(since=1, timeout_s=20)
        getattr(handle, order)()
        recorded = handle.wait(20)
    expect_the_recorded_end(recorded)
    assert recorded.stop.stop_reason in {StopReason.OPERATOR, StopReason.ABORTED}


def test_a_run_that_failed_is_told_as_failed():
    def break_down(policy):
        yield from ()
        raise MigrationError("the cable is cut")

    with pytest.raises(MigrationError, match="cable"):
        run(Migration("guest"), ThresholdPolicy(), ScriptedBackend(break_down))
    own = replay(RunStore()[-1], ThresholdPolicy())
    assert (own.stop_reason, own.censored, own.beyond) == (StopReason.FAILED, True, None)
