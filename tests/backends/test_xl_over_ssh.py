import json
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from tests.backends.ssh_server import SshServer
from tests.backends.xen_host import MIGRATION, ScriptedDom0
from xlkit.backends.ssh import SshHost
from xlkit.backends.xl import XlBackend
from xlkit.backends.xl_story import Story
from xlkit.model import Action, Applied, Iteration, Side, Status
from xlkit.policies import ThresholdPolicy
from xlkit.runner import run, start
from xlkit.store import RunStore


@pytest.fixture
def dom0(tmp_path: Path, libraries: Path) -> ScriptedDom0:
    return ScriptedDom0(tmp_path / "dom0", libraries)


@pytest.fixture
def server(tmp_path: Path, dom0: ScriptedDom0) -> Iterator[SshServer]:
    server = SshServer(tmp_path, environment=dom0.environment())
    yield server
    server.close()


@pytest.fixture
def backend(server: SshServer, dom0: ScriptedDom0) -> Iterator[XlBackend]:
    host = SshHost("dom0a", config=server.configure(), sudo=False, timeout_s=5)
    yield XlBackend(host=host, base=str(dom0.base))
    host.close()


def test_a_run_over_ssh_is_recorded_whole(backend: XlBackend, tmp_path: Path, dom0: ScriptedDom0) -> None:
    recorded = run(MIGRATION, ThresholdPolicy(max_iters=3), backend, store=RunStore(tmp_path / "runs"))
    assert [one.dirty_pages for one in recorded.iterations] == [4096, 800, 700, 12]
    assert (recorded.stop.status, recorded.start.setup.applied) == (Status.COMPLETED, Applied.HELPER)
    assert recorded.start.setup.settings["source"] == "dom0a"
    assert dom0.sides() == [Side.DESTINATION]


def test_a_connection_cut_in_mid_pass_changes_nothing(
    backend: XlBackend, server: SshServer, dom0: ScriptedDom0
) -> None:
    dom0.write_script(dirty=(4000, 3000, 2000, 1000, 500), chunk_us=10_000)
    events = backend.migrate(MIGRATION, ThresholdPolicy(min_remaining=1))
    passes = [next(events)]
    server.cut()
    *rest, stop = events
    assert [one.dirty_pages for one in passes + rest] == [4096, 4000, 3000, 2000, 1000, 12]
    assert stop.status is Status.COMPLETED
    assert not dom0.base.exists()


def test_events_are_seen_within_a_quarter_of_a_second(
    backend: XlBackend, dom0: ScriptedDom0, monkeypatch: pytest.MonkeyPatch
) -> None:
    late_s: list[float] = []
    hear = Story.hear

    def timed(story: Story, line: str) -> list[Iteration]:
        late_s.append(time.time() - json.loads(line)["wall"])
        return hear(story, line)

    monkeypatch.setattr(Story, "hear", timed)
    dom0.write_script(dirty=(4000,), chunk_us=10_000)
    list(backend.migrate(MIGRATION, ThresholdPolicy(min_remaining=1, max_iters=10)))
    assert len(late_s) > 40
    assert median(late_s) < 0.25


def test_a_handle_controls_the_run(backend: XlBackend, tmp_path: Path, dom0: ScriptedDom0) -> None:
    dom0.write_script(dirty=(4000,), chunk_us=5000)
    never = ThresholdPolicy(min_remaining=1, max_iters=100_000)
    handle = start(MIGRATION, never, backend, store=RunStore(tmp_path / "runs"))
    handle.wait_change(0, 20)
    handle.set_policy(ThresholdPolicy(min_remaining=5000))
    recorded = handle.wait(30)
    assert recorded.stop.status is Status.COMPLETED
    [control] = recorded.controls
    assert (control.action, control.policy) == (Action.SET_POLICY, ThresholdPolicy(min_remaining=5000))


def test_an_abort_by_the_handle_leaves_the_guest_at_the_source(
    backend: XlBackend, tmp_path: Path, dom0: ScriptedDom0
) -> None:
    dom0.write_script(dirty=(4000,), chunk_us=5000)
    never = ThresholdPolicy(min_remaining=1, max_iters=100_000)
    handle = start(MIGRATION, never, backend, store=RunStore(tmp_path / "runs"))
    handle.wait_change(0, 20)
    handle.abort()
    recorded = handle.wait(30)
    assert (recorded.stop.status, recorded.stop.runs_at) == (Status.ABORTED, Side.SOURCE)
    assert [one.action for one in recorded.controls] == [Action.ABORT]
    assert dom0.sides() == [Side.SOURCE]
    assert not dom0.base.exists()
