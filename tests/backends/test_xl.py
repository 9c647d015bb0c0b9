import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends.xen_host import MIGRATION, ScriptedDom0
from xlkit.backends.xl import XlBackend
from xlkit.model import Decision, Iteration, Migration, Phase, RunStop, Side, Status, StopReason
from xlkit.policies import NoProgressPolicy, ThresholdPolicy
from xlkit.protocols import Policy
from xlkit.switch import Switch
from xlkit.testing import BackendContract

pytest_plugins = ["tests.backends.dom0.conftest"]
NEVER = ThresholdPolicy(min_remaining=1, max_iters=100_000)


@pytest.fixture
def dom0(tmp_path: Path, libraries: Path) -> ScriptedDom0:
    return ScriptedDom0(tmp_path, libraries)


def migrate(backend: XlBackend, policy: Policy) -> tuple[list[Iteration], RunStop]:
    *passes, stop = backend.migrate(MIGRATION, policy)
    return passes, stop


class TestContract(BackendContract):
    @pytest.fixture(autouse=True)
    def _give(self, dom0: ScriptedDom0) -> None:
        self.dom0 = dom0

    def make_backend(self) -> XlBackend:
        self.dom0.write_script(chunk_us=2000)
        return _Again(self.dom0)

    def make_migration(self) -> Migration:
        return MIGRATION

    def running_sides(self, backend: XlBackend) -> list[Side]:
        return self.dom0.sides()


class _Again(XlBackend):
    """Begins each migration with the guest at the source."""

    def __init__(self, dom0: ScriptedDom0) -> None:
        super().__init__(host=dom0.host(), base=str(dom0.base))
        self._dom0 = dom0

    def migrate(self, migration: Migration, policy: Policy) -> Iterator[Iteration | RunStop]:
        self._dom0.put(Side.SOURCE)
        yield from super().migrate(migration, policy)


def test_both_knobs_decide_on_the_host(dom0: ScriptedDom0) -> None:
    passes, stop = migrate(dom0.backend(), ThresholdPolicy(min_remaining=650, max_iters=30))
    assert [one.dirty_pages for one in passes] == [4096, 800, 700, 600, 12]
    assert (stop.status, stop.stop_reason, stop.runs_at) == (Status.COMPLETED, StopReason.MIN_REMAINING, Side.DESTINATION)
    assert dom0.sides() == [Side.DESTINATION]


def test_nothing_is_left_behind(dom0: ScriptedDom0) -> None:
    migrate(dom0.backend(), ThresholdPolicy(max_iters=1))
    assert not dom0.base.exists()


def test_the_downtime_has_three_parts_by_one_clock(dom0: ScriptedDom0) -> None:
    _, stop = migrate(dom0.backend(), ThresholdPolicy(max_iters=1))
    assert [one.name for one in stop.downtime] == ["suspend", "copy", "resume"]
    assert len({one.clock for one in stop.downtime}) == 1
    assert stop.downtime_s == pytest.approx(sum(one.duration_s for one in stop.downtime))
