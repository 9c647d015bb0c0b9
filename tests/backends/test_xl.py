import json
import os
import runpy
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.backends.dom0.conftest import CARGO
from tests.backends.xen_host import MIGRATION, Flaky, ScriptedDom0, wait_until
from xlkit.backends.xl import XlBackend
from xlkit.backends.xl_command import XlOptions
from xlkit.backends.xl_probe import HELPER_MINORS, probe
from xlkit.backends.xl_run import find_run
from xlkit.errors import (
    HostError,
    InvalidValueError,
    MigrationError,
    PreflightError,
    UndefinedOutcomeError,
)
from xlkit.model import (
    Applied,
    Decision,
    Iteration,
    Migration,
    Origin,
    Phase,
    RunStop,
    Setup,
    Side,
    Status,
    StopReason,
)
from xlkit.policies import NoProgressPolicy, ThresholdPolicy
from xlkit.protocols import Policy
from xlkit.switch import Switch
from xlkit.testing import BackendContract

_SETUP = Setup(settings={}, applied=Applied.HELPER, origin=Origin.MEASURED, clock="")
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
    assert (stop.status, stop.stop_reason, stop.runs_at) == (
        Status.COMPLETED,
        StopReason.MIN_REMAINING,
        Side.DESTINATION,
    )
    assert dom0.sides() == [Side.DESTINATION]


def test_what_the_preflight_found_out_is_not_asked_again(dom0: ScriptedDom0, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("xlkit.backends.xl.probe", lambda host, domain: asked.append(domain) or probe(host, domain))
    backend = dom0.backend()
    backend.preflight(MIGRATION)
    migrate(backend, ThresholdPolicy(max_iters=1))
    assert asked == ["guest"]
    dom0.put(Side.SOURCE)
    migrate(backend, ThresholdPolicy(max_iters=1))
    assert asked == ["guest", "guest"]


def test_nothing_is_left_behind(dom0: ScriptedDom0) -> None:
    migrate(dom0.backend(), ThresholdPolicy(max_iters=1))
    assert not dom0.base.exists()


def test_the_downtime_has_three_parts_by_one_clock(dom0: ScriptedDom0) -> None:
    _, stop = migrate(dom0.backend(), ThresholdPolicy(max_iters=1))
    assert [one.name for one in stop.downtime] == ["suspend", "copy", "resume"]
    assert len({one.clock for one in stop.downtime}) == 1
    assert stop.downtime_s == pytest.approx(sum(one.duration_s for one in stop.downtime))


def test_the_same_numbers_replayed_give_the_same_decisions(dom0: ScriptedDom0) -> None:
    policy = ThresholdPolicy(min_remaining=550, max_iters=30)
    passes, stop = migrate(dom0.backend(), policy)
    live = [one for one in passes if one.phase is Phase.PRECOPY]
    assert [one.decision_before for one in live] == [Decision.CONTINUE] * 4 + [Decision.STOP_AND_COPY]
    assert "the policy" not in stop.message


def test_a_policy_that_only_python_knows_decides_call_by_call(dom0: ScriptedDom0) -> None:
    passes, stop = migrate(dom0.backend(), NoProgressPolicy(least_shrink=0.5))
    assert [one.dirty_pages for one in passes] == [4096, 800, 700, 12]
    assert stop.stop_reason is StopReason.NO_PROGRESS


def test_a_policy_can_change_while_it_runs(dom0: ScriptedDom0) -> None:
    dom0.write_script(dirty=(4000,), chunk_us=5000)
    switch = Switch(NEVER)
    events = dom0.backend().migrate(MIGRATION, switch)
    next(events)
    switch.set_policy(ThresholdPolicy(min_remaining=5000))
    *_, stop = events
    assert (stop.status, stop.stop_reason) == (Status.COMPLETED, StopReason.MIN_REMAINING)
    [control] = switch.taken_up()
    assert 0 < control.latency_s < 5
    assert "the policy" not in stop.message, "every call is replayed under the orders that it was made under"


def test_stop_now_is_obeyed_on_the_host(dom0: ScriptedDom0) -> None:
    dom0.write_script(dirty=(4000,), chunk_us=5000)
    switch = Switch(NEVER)
    events = dom0.backend().migrate(MIGRATION, switch)
    next(events)
    switch.stop_now()
    *_, stop = events
    assert (stop.status, stop.stop_reason) == (Status.COMPLETED, StopReason.OPERATOR)


def test_an_abort_cuts_into_pass_0(dom0: ScriptedDom0) -> None:
    dom0.write_script(p2m=1 << 20, dirty=(1,), chunk_us=20_000)
    switch = Switch(NEVER)
    switch.abort()
    passes, stop = migrate(dom0.backend(), switch)
    assert passes == []
    assert (stop.status, stop.runs_at) == (Status.ABORTED, Side.SOURCE)
    assert dom0.sides() == [Side.SOURCE]
    assert not dom0.base.exists()


def test_closing_the_iterator_in_pass_0_gives_the_migration_up(dom0: ScriptedDom0) -> None:
    dom0.write_script(p2m=1 << 20, dirty=(1,), chunk_us=5000)
    switch = Switch(NEVER)
    events = dom0.backend().migrate(MIGRATION, switch)
    waiter = threading.Thread(target=list, args=[events])
    waiter.start()
    wait_until(lambda: '"progress"' in dom0.events())
    switch.abort()
    waiter.join(20)
    assert dom0.sides() == [Side.SOURCE]
    assert not dom0.base.exists()


def test_the_native_flags_are_passed_and_the_passes_observed(dom0: ScriptedDom0) -> None:
    dom0.behave(flags=True)
    backend = dom0.backend(options=XlOptions(paused=True))
    assert backend.preflight(MIGRATION).applied is Applied.NATIVE
    passes, stop = migrate(backend, ThresholdPolicy(min_remaining=500, max_iters=7))
    assert dom0.argv() == ["-p", "--max_iters", "7", "--min_remaining", "500", "guest", "destination"]
    assert [one.dirty_pages for one in passes] == [4096, 800, 700, 600, 500, 12]
    assert stop.status is Status.COMPLETED


def test_the_host_can_be_left_to_decide(dom0: ScriptedDom0) -> None:
    backend = dom0.backend(way="observe")
    assert backend.preflight(MIGRATION).applied is Applied.BUILT_IN
    passes, _ = migrate(backend, ThresholdPolicy())
    assert [one.dirty_pages for one in passes] == [4096, 800, 700, 600, 500, 12]


@pytest.mark.parametrize(
    ("behaviour", "way", "why"),
    [
        ({}, "native", "does not know --max_iters and --min_remaining"),
        ({"flags": True}, "helper", "patched xl sets the policy itself"),
        ({"version": "4.13"}, "auto", "4.14 to 4.22.*observe"),
        ({"version": "4.23"}, "helper", "4.14 to 4.22"),
        ({"version": "4.9"}, "observe", "4.10 to 4.22"),
    ],
)
def test_a_way_that_cannot_work_is_refused_with_the_reason(
    dom0: ScriptedDom0, behaviour: dict[str, object], way: str, why: str
) -> None:
    dom0.behave(**behaviour)
    with pytest.raises(PreflightError, match=why):
        dom0.backend(way=way).preflight(MIGRATION)
    assert dom0.sides() == [Side.SOURCE]


@pytest.mark.parametrize(("flags", "way"), [("both", "auto"), ("none", "auto"), ("all", "observe")])
def test_abort_if_busy_is_refused_where_it_cannot_work(dom0: ScriptedDom0, flags: str, way: str) -> None:
    dom0.behave(flags={"both": 1, "none": 0, "all": 2}[flags])
    with pytest.raises(PreflightError, match=r"--abort_if_busy.*Nothing was started"):
        dom0.backend(way=way, options=XlOptions(abort_if_busy=True)).preflight(MIGRATION)


def test_abort_if_busy_is_passed_where_xl_knows_it(dom0: ScriptedDom0) -> None:
    dom0.behave(flags=2)
    backend = dom0.backend(options=XlOptions(abort_if_busy=True))
    assert backend.preflight(MIGRATION).applied is Applied.NATIVE
    migrate(backend, ThresholdPolicy(max_iters=7))
    assert dom0.argv()[0] == "--abort_if_busy"


@pytest.mark.parametrize("destination", ["host;reboot", "$(reboot)", "a b", "-oProxyCommand=x", "`x`", "a\nb", ""])
def test_a_destination_that_would_be_pasted_into_a_shell_is_refused(dom0: ScriptedDom0, destination: str) -> None:
    with pytest.raises((PreflightError, InvalidValueError)):
        XlBackend(host=Unreachable()).preflight(Migration("guest", destination))


@pytest.mark.parametrize("domain", ["guest;reboot", "../guest", "$x", "a b"])
def test_a_domain_that_is_no_name_is_refused(domain: str) -> None:
    with pytest.raises(InvalidValueError):
        XlBackend(host=Unreachable()).preflight(Migration(domain, "destination"))


def test_a_domain_that_does_not_run_is_refused(dom0: ScriptedDom0) -> None:
    dom0.put(Side.DESTINATION)
    with pytest.raises(PreflightError, match="xl list"):
        dom0.backend().preflight(MIGRATION)


def test_a_host_without_xl_is_refused(dom0: ScriptedDom0) -> None:
    (dom0.folder / "bin" / "xl").unlink()
    with pytest.raises(PreflightError, match="no dom0"):
        dom0.backend().preflight(MIGRATION)


def test_a_failed_handshake_is_an_outcome_that_nobody_knows(dom0: ScriptedDom0) -> None:
    dom0.behave(handshake="fails")
    with pytest.raises(UndefinedOutcomeError, match="xl list"):
        migrate(dom0.backend(), ThresholdPolicy(max_iters=1))


def test_a_migration_that_never_begins_says_what_xl_said(dom0: ScriptedDom0) -> None:
    dom0.behave(before=["No route to host"])
    with pytest.raises(MigrationError, match="No route to host"):
        migrate(dom0.backend(), ThresholdPolicy())
    assert dom0.sides() == [Side.SOURCE]


def test_a_host_that_cannot_log_dirty_pages_is_told_as_the_cause(dom0: ScriptedDom0) -> None:
    dom0.write_script(dirty=())
    with pytest.raises(MigrationError, match="cannot log this guest's dirty pages"):
        migrate(dom0.backend(), ThresholdPolicy())
    assert dom0.sides() == [Side.SOURCE]


def test_a_helper_that_is_killed_leaves_the_guest_at_the_source(dom0: ScriptedDom0) -> None:
    dom0.write_script(p2m=1 << 20, dirty=(1,), chunk_us=5000)
    killed = threading.Thread(target=kill_helper, args=[dom0])
    killed.start()
    with pytest.raises(MigrationError, match="source"):
        migrate(dom0.backend(), NEVER)
    killed.join()
    assert dom0.sides() == [Side.SOURCE]


def test_a_lost_connection_is_made_anew_and_nothing_is_missing(dom0: ScriptedDom0) -> None:
    dom0.write_script(dirty=(4000, 3000, 2000, 1000, 500), chunk_us=5000)
    host = Flaky(dom0.host())
    events = XlBackend(host=host, base=str(dom0.base)).migrate(MIGRATION, ThresholdPolicy(min_remaining=1))
    passes = [next(events)]
    host.cut()
    *rest, stop = events
    assert [one.dirty_pages for one in passes + rest] == [4096, 4000, 3000, 2000, 1000, 12]
    assert stop.status is Status.COMPLETED
    assert len(host.streams) == 2


def test_a_domain_is_not_taken_for_another_of_a_longer_name(dom0: ScriptedDom0) -> None:
    begun_at = datetime(2026, 11, 23, 10, 11, 12, tzinfo=UTC)
    (dom0.base / "guest-1-20261123T101112-123456").mkdir(parents=True)
    assert find_run(dom0.host(), "guest", begun_at, base=str(dom0.base)) is None
    (dom0.base / "guest-20261123T101112-123456").mkdir()
    found = find_run(dom0.host(), "guest", begun_at, base=str(dom0.base))
    assert found.folder.endswith("guest-20261123T101112-123456")


@pytest.mark.parametrize(("stamp", "found"), [("101111", 0), ("101112", 1), ("101311", 1), ("101313", 0)])
def test_a_migration_is_told_from_others_of_the_domain_by_its_time(dom0: ScriptedDom0, stamp: str, found: int) -> None:
    (dom0.base / f"guest-20261123T{stamp}-123456").mkdir(parents=True)
    begun_at = datetime(2026, 11, 23, 10, 11, 12, 999_999, tzinfo=UTC)
    assert (find_run(dom0.host(), "guest", begun_at, base=str(dom0.base)) is not None) is bool(found)


def test_a_migration_that_cannot_be_started_leaves_nothing(dom0: ScriptedDom0) -> None:
    backend = dom0.backend()
    (dom0.folder / "bin" / "tar").write_text("#!/bin/sh\necho no space left >&2; exit 2\n")
    (dom0.folder / "bin" / "tar").chmod(0o755)
    with pytest.raises(HostError, match="no space left"):
        migrate(backend, NEVER)
    assert not dom0.base.exists()


def test_the_cargo_and_the_probe_know_the_same_versions_of_xen() -> None:
    table = runpy.run_path(str(CARGO / "save_helper.py"))["STATS"]
    assert set(table) == {f"4.{minor}" for minor in HELPER_MINORS}


class Unreachable:
    """A host that must not be asked anything."""

    label = "nowhere"

    def run(self, *_: object, **__: object) -> None:
        raise AssertionError("contacted")


def kill_helper(dom0: ScriptedDom0) -> None:
    """Kill the helper in mid-pass, by the process id that it tells."""
    wait_until(lambda: '"progress"' in dom0.events())
    start = next(json.loads(one) for one in dom0.events().splitlines() if '"start"' in one)
    os.kill(start["pid"], signal.SIGKILL)
