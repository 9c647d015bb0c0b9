"""An abort at any moment before the hand-over leaves the guest at the source and nothing else."""

import pytest

from tests.faults.scene import MIGRATION, POLICY, Scene, gone, open_fds
from xlkit.model import Side, Status
from xlkit.switch import Switch

LATE = ("suspended", "in final pass", "sent")


@pytest.mark.parametrize("point", ["in pass 0", *(pytest.param(one, marks=pytest.mark.slow) for one in LATE)])
def test_an_abort_is_heard_within_a_pass_and_within_the_blackout(point):
    switch = Switch(POLICY)
    with Scene({point: lambda _: switch.abort()}, bandwidth="1Gbit/s") as scene:
        stop = list(scene.backend.migrate(MIGRATION, switch))[-1]
        assert (stop.status, stop.runs_at) == (Status.ABORTED, Side.SOURCE)
        assert scene.sides() == [Side.SOURCE]
        assert gone(scene.seen_pids - scene.pids)


def test_an_abort_leaves_tracking_off_and_no_descriptor_open():
    with Scene() as scene:
        scene.backend.boot()
        before = open_fds()
        events = scene.backend.migrate(MIGRATION, POLICY)
        next(events)
        assert scene.backend._household.domain.control.tracked
        events.close()
        assert not scene.backend._household.domain.control.tracked
        assert open_fds() == before


def test_closing_the_backend_in_the_middle_of_a_run_leaves_nothing():
    before = open_fds()
    with Scene() as scene:
        events = scene.backend.migrate(MIGRATION, POLICY)
        next(events)
    events.close()
    assert gone(scene.seen_pids)
    assert open_fds() == before
