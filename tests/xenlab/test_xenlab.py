"""Migrations between two real Xen hosts; each ends with one guest, where it should be, with its memory whole."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.xenlab.conftest import Site
from xlkit.backends.xl import XlBackend
from xlkit.backends.xl_command import XlOptions
from xlkit.backends.xl_heartbeat import ConsoleHeartbeat
from xlkit.errors import MigrationError, PreflightError
from xlkit.logs.heartbeats import CLOCK
from xlkit.model import Action, Applied, Knowledge, Migration, Phase, Run, Side, Status, StopReason
from xlkit.policies import ThresholdPolicy
from xlkit.runner import run
from xlkit.testing import recorded_calls

pytestmark = [pytest.mark.xenlab, pytest.mark.timeout(600)]
NEVER = ThresholdPolicy(min_remaining=1, max_iters=100_000)


def replays(recorded: Run, policy: ThresholdPolicy) -> None:
    """Hold that the recorded numbers, shown to the policy in Python, give the decisions that were made on the host."""
    calls = recorded_calls(recorded.iterations, recorded.start.setup.memory_pages)
    assert calls
    assert [policy.decide(stats) for stats, _ in calls] == [decision for _, decision in calls]


def in_pass_0(watcher: object, site: Site) -> None:
    """Wait until pages of pass 0 go out."""
    end_s = time.monotonic() + 120
    while '"what": "Frames iteration 0", "done": 0' not in site.source.run("cat /var/lib/xlkit/*/events").out:
        assert time.monotonic() < end_s, watcher
        time.sleep(0.3)


def test_i_a_stop_by_min_remaining(site: Site) -> None:
    policy = ThresholdPolicy(min_remaining=400, max_iters=100)
    recorded = site.run(policy)
    assert (recorded.stop.status, recorded.stop.stop_reason) == (Status.COMPLETED, StopReason.MIN_REMAINING)
    assert recorded.start.setup.applied is Applied.HELPER
    assert 0 <= recorded.iterations[-2].dirty_pages < 400
    assert recorded.iterations[-1].phase is Phase.STOP_AND_COPY
    assert all(part.duration_s > 0 for part in recorded.stop.downtime)
    replays(recorded, policy)
    site.guest_is_well_at(site.destination)
    site.nothing_is_left()


def test_ii_a_stop_by_max_iters(site: Site) -> None:
    policy = ThresholdPolicy(min_remaining=1, max_iters=3)
    recorded = site.run(policy)
    assert (recorded.stop.status, recorded.stop.stop_reason) == (Status.COMPLETED, StopReason.MAX_ITERS)
    assert [one.iteration for one in recorded.iterations] == [0, 1, 2, 3]
    replays(recorded, policy)
    site.guest_is_well_at(site.destination)


def test_iii_a_policy_that_changes_while_it_runs(site: Site) -> None:
    site.lab.rate(site.source, 3000)
    handle = site.start(NEVER)
    handle.wait_change(1, 300)
    handle.set_policy(ThresholdPolicy(min_remaining=100_000))
    recorded = handle.wait(300)
    assert (recorded.stop.status, recorded.stop.stop_reason) == (Status.COMPLETED, StopReason.MIN_REMAINING)
    [control] = recorded.controls
    assert (control.action, control.policy) == (Action.SET_POLICY, ThresholdPolicy(min_remaining=100_000))
    assert control.latency_s > 0
    site.guest_is_well_at(site.destination)


def test_iv_stop_now(site: Site) -> None:
    site.lab.rate(site.source, 3000)
    handle = site.start(NEVER)
    handle.wait_change(0, 300)
    handle.stop_now()
    recorded = handle.wait(300)
    assert (recorded.stop.status, recorded.stop.stop_reason) == (Status.COMPLETED, StopReason.OPERATOR)
    site.guest_is_well_at(site.destination)


def test_v_an_abort_in_pass_0(site: Site) -> None:
    handle = site.start(NEVER)
    in_pass_0(handle, site)
    handle.abort()
    recorded = handle.wait(120)
    assert (recorded.stop.status, recorded.stop.runs_at) == (Status.ABORTED, Side.SOURCE)
    assert recorded.iterations == () or recorded.iterations[-1].iteration == 0
    assert [one.action for one in recorded.controls] == [Action.ABORT]
    site.guest_is_well_at(site.source)
    site.nothing_is_left()


def test_v_an_abort_in_a_later_pass(site: Site) -> None:
    site.lab.rate(site.source, 3000)
    handle = site.start(NEVER)
    handle.wait_change(1, 300)
    handle.abort()
    recorded = handle.wait(120)
    assert (recorded.stop.status, recorded.stop.runs_at) == (Status.ABORTED, Side.SOURCE)
    assert len(recorded.iterations) >= 2
    site.guest_is_well_at(site.source)
    site.nothing_is_left()


def test_vi_the_destination_is_killed_in_mid_pass(site: Site) -> None:
    handle = site.start(NEVER)
    in_pass_0(handle, site)
    site.destination.run("kill -9 $(pgrep -f 'xl migrate-receive|libxl-save-helper')")
    with pytest.raises(MigrationError):
        handle.wait(120)
    site.destination.run("xl destroy g1--incoming")
    site.guest_is_well_at(site.source)
    site.nothing_is_left()


def test_vii_the_connection_is_cut_in_mid_pass(site: Site) -> None:
    policy = ThresholdPolicy(min_remaining=1, max_iters=3)
    handle = site.start(policy)
    in_pass_0(handle, site)
    site.source.shell._client.get_transport().sock.close()
    recorded = handle.wait(300)
    assert recorded.stop.status is Status.COMPLETED
    assert [one.iteration for one in recorded.iterations] == [0, 1, 2, 3]
    replays(recorded, policy)
    site.guest_is_well_at(site.destination)
    site.nothing_is_left()


def test_vii_a_watcher_that_was_killed_is_followed_by_another(site: Site, tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text((site.lab.folder / "ssh_config").read_text())
    environment = dict(os.environ, HOME=str(tmp_path), XLKIT_STORE=str(site.store.path))
    xlkit = [sys.executable, "-m", "xlkit"]
    options = ["--backend", "xl", "--source", site.source.name, "-s", "/lab/plainsh", "--min_remaining", "1"]
    words = ["migrate", *options, "--max_iters", "3", "g1", site.destination.name]
    with subprocess.Popen([*xlkit, *words], env=environment) as process:
        in_pass_0(process, site)
        process.kill()
    [lost] = site.store.recover()
    assert lost.stop.status is Status.INCOMPLETE
    attached = subprocess.run(
        [*xlkit, "attach", lost.run_id], check=False, env=environment, capture_output=True, text=True
    )
    assert attached.returncode == 0, attached.stderr
    whole = site.store[lost.run_id]
    assert (whole.stop.status, whole.stop.stop_reason) == (Status.COMPLETED, StopReason.MAX_ITERS)
    assert [one.iteration for one in whole.iterations] == [0, 1, 2, 3]
    replays(whole, whole.start.policy)
    site.guest_is_well_at(site.destination)
    site.nothing_is_left()


def test_viii_the_helper_is_killed(site: Site) -> None:
    handle = site.start(NEVER)
    in_pass_0(handle, site)
    site.source.run("kill -9 $(pgrep -f save_helper)")
    with pytest.raises(MigrationError, match="source"):
        handle.wait(120)
    site.guest_is_well_at(site.source)
    site.nothing_is_left()


def test_the_downtime_shows_from_outside_as_well(site: Site) -> None:
    heartbeat = ConsoleHeartbeat(pattern=r"BEAT (\d+)", destination=site.destination.shell)
    backend = replace(site.backend, heartbeat=heartbeat)
    recorded = run(site.migration, ThresholdPolicy(), backend, store=site.store)
    *own, gap = recorded.stop.downtime
    assert (gap.name, gap.knowledge, gap.clock) == ("heartbeat gap", Knowledge.AT_MOST, CLOCK)
    copied = next(one for one in own if one.name == "copy")
    assert gap.duration_s > copied.duration_s, "the guest stood still at least while its last pages were sent"
    assert gap.duration_s < recorded.stop.ended_s
    site.guest_is_well_at(site.destination)


def test_a_way_that_cannot_work_here_is_refused(site: Site) -> None:
    backend = XlBackend(host=site.source.shell, way="native")
    with pytest.raises(PreflightError, match="does not know --max_iters and --min_remaining"):
        backend.preflight(site.migration)


def test_the_host_can_be_left_to_decide(site: Site) -> None:
    backend = XlBackend(host=site.source.shell, way="observe", options=XlOptions(ssh="/lab/plainsh"))
    recorded = run(site.migration, ThresholdPolicy(), backend, store=site.store)
    assert recorded.stop.status is Status.COMPLETED
    assert recorded.start.setup.applied is Applied.BUILT_IN
    assert len(recorded.iterations) >= 2
    site.guest_is_well_at(site.destination)


def test_ix_a_guest_whose_dirty_pages_cannot_be_logged(site: Site, tmp_path: Path) -> None:
    site.lab.create(site.source, "p1", "guest-pv.cfg")
    try:
        with pytest.raises(MigrationError, match="cannot log this guest's dirty pages"):
            run(Migration("p1", site.destination.name), ThresholdPolicy(), site.backend, store=site.store)
        site.lab.wait_beating(site.source, "p1")
        assert site.source.beats("p1")[-1][3] == 0
        assert not site.destination.has("p1")
    finally:
        site.source.run("xl destroy p1")
