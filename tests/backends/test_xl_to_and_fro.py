"""An experiment over two dom0s: the guest goes to and fro, and exactly one side has it at any time."""

from pathlib import Path

import pytest

from tests.backends.xen_host import ScriptedDom0
from xlkit.backends.xl import XlBackend
from xlkit.errors import UndefinedOutcomeError
from xlkit.experiments import Plan, sweep
from xlkit.model import Migration, Side, Status
from xlkit.store import RunStore

HOSTS = ("hosta", "hostb")
PLAN = Plan(
    name="xen",
    policies=Plan.grid([50, 650], [3]),
    workloads=["guest"],
    repetitions=2,
    migration=Migration("guest", "hostb", source="hosta"),
)


@pytest.fixture
def dom0s(tmp_path: Path, libraries: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, ScriptedDom0]:
    """Two dom0s whose guests are each other's; the guest begins at hosta."""
    for name in HOSTS:
        (tmp_path / name).mkdir()
    found = {name: ScriptedDom0(tmp_path / name, libraries) for name in HOSTS}
    for one, other in (HOSTS, HOSTS[::-1]):
        (found[one].folder / "guests" / Side.SOURCE / "guest").unlink()
        (found[one].folder / "guests" / Side.DESTINATION).rmdir()
        (found[one].folder / "guests" / Side.DESTINATION).symlink_to(found[other].folder / "guests" / Side.SOURCE)
    found["hosta"].put(Side.SOURCE)
    monkeypatch.setattr("xlkit.backends.xl._reach", lambda name: found[name].host())
    return found


def backends(tmp_path: Path) -> dict[str, object]:
    return {"guest": lambda seed: XlBackend(base=str(tmp_path / "xlkit"))}


def test_each_migration_begins_where_the_one_before_left_the_guest(
    dom0s: dict[str, ScriptedDom0], tmp_path: Path
) -> None:
    result = sweep(PLAN, backends(tmp_path))
    went = [(run.start.migration.source, run.start.migration.destination) for run in RunStore()]
    assert went == [HOSTS, HOSTS[::-1]] * 2
    assert result.complete
    assert dom0s["hosta"].sides() == [Side.SOURCE]


def test_a_failed_migration_is_tried_again_from_the_host_that_kept_the_guest(
    dom0s: dict[str, ScriptedDom0], tmp_path: Path
) -> None:
    dom0s["hostb"].behave(before=["No route to host"])
    result = sweep(PLAN, backends(tmp_path))
    assert [run.stop.status for run in RunStore()][:2] == [Status.COMPLETED, Status.FAILED]
    assert {run.start.migration.source for run in result.failed} == {"hostb"}
    assert dom0s["hostb"].sides() == [Side.SOURCE]


def test_nothing_more_is_begun_once_nobody_can_tell_which_host_has_the_guest(
    dom0s: dict[str, ScriptedDom0], tmp_path: Path
) -> None:
    dom0s["hosta"].behave(handshake="fails")
    for _ in range(2):
        with pytest.raises(UndefinedOutcomeError, match="Look at both hosts, hosta and hostb"):
            sweep(PLAN, backends(tmp_path))
    assert [run.stop.status for run in RunStore()] == [Status.UNDEFINED]
