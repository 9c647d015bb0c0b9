"""Every file that was captured on two real Xen hosts gives what data/README.md says of it."""

import hashlib
import re
from pathlib import Path

import pytest

from xlkit.errors import LogError
from xlkit.logs import read_log
from xlkit.model import Action, Applied, Decision, Knowledge, Origin, Phase, Run, Side, Status, StopReason
from xlkit.policies import ThresholdPolicy, from_settings
from xlkit.store import RunStore
from xlkit.testing import recorded_calls

DATA = Path(__file__).parents[2] / "data"
LAB = DATA / "logs" / "xen_lab"
COMPLETED = [
    "helper-min-large", "helper-iters20", "helper-live-change", "helper-pv-smp2",
    "helper-pvh", "helper-pvh-2", "helper-pvh-smp2", "helper-pvh-ssh",
]  # fmt: skip
ABORTED = ["helper-abort", "helper-abort-now", "helper-pvh-abort"]
NO_MIGRATION = [*sorted(LAB.glob("boot-*")), *sorted(LAB.glob("ci-run*"))]


def read(name: str) -> Run:
    return read_log(LAB / name, policy_from=from_settings)


def dirty_pages(run: Run, phase: Phase = Phase.PRECOPY) -> list[int | None]:
    return [one.dirty_pages for one in run.iterations if one.phase is phase]


def test_each_file_is_told_of_with_its_digest() -> None:
    told = dict(re.findall(r"^\| `(\S+)` \|.*\| `([0-9a-f]{64})` \|$", (DATA / "README.md").read_text(), re.MULTILINE))
    found = {str(one.relative_to(DATA)): hashlib.sha256(one.read_bytes()).hexdigest() for one in LAB.iterdir()}
    assert found == told


@pytest.mark.parametrize("name", ["stock-migrate-pv.stderr", "stock-migrate-pv-t.stderr"])
def test_a_stock_migration_has_phases_and_says_that_its_iterations_are_unknown(name: str) -> None:
    run = read(name)
    assert (run.stop.status, run.stop.runs_at, run.iterations) == (Status.COMPLETED, Side.DESTINATION, ())
    assert run.start.setup.settings["iterations"] == "unknown"
    assert run.start.setup.settings["phases"][-1] == "successful"
    assert "phases only" in run.stop.message
    assert (run.start.policy, run.start.setup.applied) == (None, Applied.BUILT_IN)
    assert {one.knowledge for one in run.stop.downtime} == {Knowledge.UNKNOWN}


def test_a_capture_that_ends_too_early_is_incomplete() -> None:
    run = read("stock-migrate-labrsh.stderr")
    assert (run.stop.status, run.stop.runs_at, run.iterations) == (Status.INCOMPLETE, Side.UNKNOWN, ())


def test_a_hypervisor_that_cannot_log_dirty_pages_is_named_as_the_cause() -> None:
    stop = read("stock-migrate-noshadow-fail.stderr").stop
    assert (stop.status, stop.stop_reason, stop.runs_at) == (Status.FAILED, StopReason.FAILED, Side.SOURCE)
    assert "cannot log this guest's dirty pages" in stop.message
    assert "shadow paging" in stop.message


def test_a_large_min_remaining_stops_at_the_first_call() -> None:
    run = read("helper-min-large.events")
    assert run.start.policy == ThresholdPolicy(min_remaining=100_000_000, max_iters=20)
    assert dirty_pages(run) == [32768]
    assert (run.stop.stop_reason, run.iterations[-1].iteration) == (StopReason.MIN_REMAINING, 0)
    assert [round(one.duration_s or -1, 2) for one in run.stop.downtime] == [0.23, 9.61, -1]


def test_a_stop_by_max_iters_leaves_the_size_of_the_last_set_unknown() -> None:
    run = read("helper-iters20.events")
    assert dirty_pages(run)[:7] == [24576, 4187, 1725, 1151, 527, 364, 510]
    assert [one.iteration for one in run.iterations] == [*range(20), 20]
    assert run.stop.stop_reason is StopReason.MAX_ITERS
    assert dirty_pages(run, Phase.STOP_AND_COPY) == [None]
    assert run.iterations[19].decision_after is Decision.STOP_AND_COPY


def test_a_policy_that_was_changed_on_the_way_is_a_control() -> None:
    run = read("helper-live-change.events")
    [control] = run.controls
    assert (control.action, control.iteration, control.before_pass) == (Action.SET_POLICY, 9, False)
    assert control.policy == ThresholdPolicy(min_remaining=100_000, max_iters=100_000)
    assert (run.stop.stop_reason, dirty_pages(run)[-1]) == (StopReason.MIN_REMAINING, 4188)
    assert dirty_pages(run, Phase.STOP_AND_COPY) == [4345]


@pytest.mark.parametrize("name", ABORTED)
def test_an_abort_leaves_the_guest_at_the_source_and_xl_s_wording_misleads_nobody(name: str) -> None:
    run = read(f"{name}.events")
    assert (run.stop.status, run.stop.stop_reason) == (Status.ABORTED, StopReason.ABORTED)
    assert (run.stop.runs_at, run.stop.downtime) == (Side.SOURCE, ())
    assert [one.action for one in run.controls] == [Action.ABORT]
    assert "respond" not in run.stop.message


def test_only_a_pass_that_ended_is_recorded_of_an_aborted_run() -> None:
    [first] = read("helper-abort.events").iterations
    assert (first.dirty_pages, first.decision_after) == (24576, Decision.ABORT)
    assert read("helper-abort-now.events").iterations == ()
    assert read("helper-pvh-abort.events").iterations == ()


@pytest.mark.parametrize("name", ["helper-pvh", "helper-pvh-2", "helper-pvh-smp2", "helper-pvh-ssh"])
def test_the_first_set_of_a_pvh_guest_is_marked_as_its_p2m(name: str) -> None:
    run = read(f"{name}.stderr")
    assert run.iterations[0].dirty_pages == 1_044_480
    assert run.start.setup.settings["p2m_pages"] == 1_044_480
    assert run.start.setup.settings["dirty_pages_of_iteration_0"] == "p2m, holes included"
    assert (run.start.setup.settings["guest_type"], run.start.setup.memory_pages) == ("HVM", None)


def test_progress_in_the_blackout_tells_the_size_of_the_last_set() -> None:
    run = read("helper-pvh-smp2.events")
    assert (run.stop.stop_reason, dirty_pages(run, Phase.STOP_AND_COPY)) == (StopReason.MAX_ITERS, [373])


def test_a_file_that_holds_events_and_text_gives_the_same_iterations() -> None:
    both, mixed = read("helper-pvh.events"), read("helper-pvh.summary.txt")
    assert mixed.iterations == both.iterations
    assert mixed.stop == both.stop


def test_a_transport_that_dies_in_the_blackout_leaves_the_guest_at_the_source() -> None:
    run = read("helper-late-failure.stderr")
    assert (run.stop.status, run.stop.runs_at) == (Status.FAILED, Side.SOURCE)
    assert "resumed it at the source" in run.stop.message
    assert dirty_pages(run) == [1_044_480]


def test_heartbeats_tell_the_downtime_from_outside_and_it_exceeds_the_helper_s_own() -> None:
    outside, inside = read("downtime-pvh-smp2.txt"), read("helper-pvh-smp2.events")
    own_s = sum(one.duration_s or 0.0 for one in inside.stop.downtime)
    assert outside.stop.downtime_s == 3.151
    assert round(own_s, 2) == 0.95
    assert read("downtime-pvh-smp1.txt").stop.downtime_s == 4.582


@pytest.mark.parametrize("path", NO_MIGRATION, ids=lambda path: path.name)
def test_what_is_no_migration_is_refused_and_said_so(path: Path) -> None:
    with pytest.raises(LogError, match="No reader knows it as the log of a migration; tried events, xl, heartbeats"):
        read_log(path)


@pytest.mark.parametrize("name", COMPLETED)
def test_two_accounts_of_one_run_are_one_run_that_came_to_its_end(name: str) -> None:
    run = read(f"{name}.events")
    assert run == read(f"{name}.stderr")
    assert (run.stop.status, run.stop.runs_at) == (Status.COMPLETED, Side.DESTINATION)
    assert (run.start.origin, run.start.setup.applied) == (Origin.IMPORTED, Applied.HELPER)
    assert run.stop.downtime_s is None, "the helper does not see when the guest runs again"


@pytest.mark.parametrize("name", COMPLETED)
def test_the_policies_answer_once_more_as_they_did_on_the_host(name: str) -> None:
    run = read(f"{name}.events")
    changed_at = run.controls[0].iteration if run.controls else None
    for stats, answer in recorded_calls(run.iterations, None):
        changed = changed_at is not None and stats.iteration >= changed_at
        assert (run.controls[0].policy if changed else run.start.policy).decide(stats) is answer


def test_a_log_that_is_imported_twice_is_one_run_equal_in_every_field() -> None:
    store = RunStore()
    for path in [*LAB.glob("helper-*"), *LAB.glob("stock-*"), *LAB.glob("downtime-*")]:
        run = read(path.name)
        store.add(run)
        assert store[run.run_id] == run
    assert len(store) == 19
