"""Whatever is killed, and whenever: exactly one guest runs, and nothing is left behind."""

import pytest

from tests.faults.scene import Scene, gone, kill
from xlkit.errors import MigrationError
from xlkit.model import RunStop, Side, Status

BEFORE = ["pass 0", "in pass 0", "pass 1", "in pass 1", "suspended", "final pass", "in final pass", "sent", "retired"]


def points(*fast, slow=()):
    """Some points for every day, the others for the long run."""
    return [*fast, *(pytest.param(one, marks=pytest.mark.slow) for one in slow if one not in fast)]


@pytest.mark.parametrize("point", points("in final pass", "retired", slow=BEFORE))
def test_a_migrator_killed_before_the_order_to_start_leaves_the_guest_at_the_source(point):
    with Scene({point: Scene.kill_migrator}) as scene:
        with pytest.raises(MigrationError, match="runs on at the source"):
            scene.migrate()
        assert scene.sides() == [Side.SOURCE]
        assert gone(scene.seen_pids - scene.pids)


@pytest.mark.parametrize("point", points("in pass 1", "ordered", slow=[*BEFORE, "ordered"]))
def test_a_killed_receiver_leaves_the_guest_at_the_source(point):
    with Scene({point: Scene.kill_receiver}) as scene:
        with pytest.raises(MigrationError, match="runs on at the source"):
            scene.migrate()
        assert scene.sides() == [Side.SOURCE]
        assert gone(scene.seen_pids - scene.pids)


def test_a_migrator_killed_after_the_order_to_start_leaves_the_guest_where_the_record_says():
    with Scene({"ordered": Scene.kill_migrator}) as scene:
        try:
            side = scene.migrate()[-1].runs_at
        except MigrationError:
            side = Side.SOURCE
        assert scene.sides() == [side]
        assert gone(scene.seen_pids - scene.pids)


@pytest.mark.parametrize("point", points("retired", slow=["in pass 1", "suspended"]))
def test_a_second_migration_succeeds_after_the_first_was_killed(point):
    with Scene({point: Scene.kill_migrator}) as scene:
        with pytest.raises(MigrationError):
            scene.migrate()
        stop = scene.migrate()[-1]
        assert isinstance(stop, RunStop)
        assert (stop.status, stop.verified) == (Status.COMPLETED, True)
        assert scene.sides() == [Side.DESTINATION]


@pytest.mark.parametrize("point", points("sent", slow=["in pass 0", "suspended", "retired"]))
def test_a_guest_stopped_by_signal_survives_the_migrator_too(point):
    with Scene({point: Scene.kill_migrator}, suspend="hard") as scene:
        with pytest.raises(MigrationError, match="runs on at the source"):
            scene.migrate()
        assert scene.sides() == [Side.SOURCE]


def kill_guest(side):
    return lambda scene: [kill(one.pid) for one in scene.backend.guests() if one.side is side]


@pytest.mark.parametrize("point", points("suspended", slow=["in pass 1", "retired"]))
def test_a_destination_whose_guest_process_was_killed_never_gets_the_guest(point):
    with Scene({point: kill_guest(Side.DESTINATION)}) as scene:
        with pytest.raises(MigrationError, match="runs on at the source"):
            scene.migrate()
        assert scene.sides() == [Side.SOURCE]


@pytest.mark.slow
@pytest.mark.parametrize("point", ["pass 0", "in pass 1"])
def test_a_guest_that_was_killed_is_missed_and_a_fresh_one_can_be_migrated(point):
    with Scene({point: kill_guest(Side.SOURCE)}) as scene:
        with pytest.raises(MigrationError, match="is gone"):
            scene.migrate()
        assert scene.backend.guests() == ()
        assert scene.migrate()[-1].runs_at is Side.DESTINATION
