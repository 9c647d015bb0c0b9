"""What a diagnosis finds, by value."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.records import a_final_pass, a_pass, a_run, a_start, a_stop
from xlkit.diagnosis import Kind, diagnose
from xlkit.diagnosis._shape import Shape, shape_of
from xlkit.errors import InvalidValueError
from xlkit.logs import read_log
from xlkit.model import DowntimePart, Knowledge, Origin, Run, Setup, Side, Status, StopReason
from xlkit.policies import ThresholdPolicy, from_settings
from xlkit.store import read_runs

DATA = Path(__file__).parents[2] / "data"
LAB = {run.run_id[-6:]: run for run in read_runs(DATA / "runs" / "xen_lab.parquet")}


def read(name):
    return read_log(DATA / "logs" / "xen_lab" / name, policy_from=from_settings)


def told(run, *kinds):
    return " ".join(one.sentence for one in diagnose(run).of(*kinds))


def facts(run, kind):
    return [one.facts for one in diagnose(run).of(kind)]


def anomalies(run):
    return {one["anomaly"] for one in facts(run, Kind.ANOMALY)}


def passes(*changes, **stop):
    done = [a_pass(number, **one) for number, one in enumerate(changes[:-1])]
    return Run(
        start=a_start(),
        iterations=(*done, a_final_pass(len(done) - 1, **changes[-1])),
        stop=a_stop(ended_s=9.0, **stop),
    )


def test_a_stop_by_min_remaining_had_one_more_live_pass():
    text = told(LAB["821a55"], Kind.STOP, Kind.BLACKOUT)
    assert "48 pages were dirty before pass 2, fewer than min_remaining (50); that pass was still sent live" in text
    assert "bounded the last live pass (48 pages), not this set (325 pages)" in text
    assert facts(LAB["821a55"], Kind.STOP)[0] == {"stop_reason": "min_remaining", "pass_after_the_stop": True}


def test_what_was_left_after_max_iters_was_never_seen_by_the_policy():
    [stop, left] = facts(LAB["8736cf"], Kind.STOP)
    assert (stop["pass_after_the_stop"], left["left_pages"], left["seen_by_policy"]) == (False, 875, False)
    assert "no further pass went out" in told(LAB["8736cf"], Kind.STOP)


def test_what_was_left_may_not_be_recorded_at_all():
    run = read("helper-iters20.events")
    assert facts(run, Kind.STOP)[1]["left_pages"] is None
    assert "the record does not tell it either" in told(run, Kind.STOP)


@pytest.mark.parametrize(
    ("run_id", "shape"),
    [
        ("821a55", "converged"), ("0e7d7a", "too_short"), ("4104e4", "converged"), ("b8278b", "converged"),
        ("9229fe", "too_short"), ("10ef54", "converging"), ("06cd56", "too_short"), ("b1ca8f", "converged"),
    ],
)  # fmt: skip
def test_the_shapes_of_the_recorded_runs(run_id, shape):
    assert facts(LAB[run_id], Kind.CONVERGENCE)[0]["shape"] == shape


def test_a_guest_that_flat_lined_is_told_so_with_its_level():
    run = read("helper-live-change.events")
    assert facts(run, Kind.CONVERGENCE)[0]["shape"] == "flat_lined"
    assert "stayed between 4,184 and 4,196 pages" in told(run, Kind.CONVERGENCE)


@pytest.mark.parametrize(
    ("sets", "shape"),
    [
        ([], Shape.TOO_SHORT),
        ([4242], Shape.TOO_SHORT),
        ([4246, 567], Shape.TOO_SHORT),
        ([4246, 424], Shape.CONVERGED),
        ([1000, 800, 640], Shape.CONVERGING),
        ([11562, 5418, 5400, 5420], Shape.FLAT_LINED),
        ([100, 110, 130], Shape.DIVERGED),
        ([100, 130, 160], Shape.DIVERGED),
        ([100, 40, 90], Shape.FLAT_LINED),
        ([0, 0, 0], Shape.FLAT_LINED),
    ],
)
def test_the_shape_of_the_sets_follows_the_written_rule(sets, shape):
    assert shape_of(sets) is shape


def test_a_standstill_on_the_way_is_told():
    assert "came down no further from pass 3 to pass 20" in told(LAB["b1ca8f"], Kind.CONVERGENCE)


def test_the_floor_is_that_of_the_curve_at_the_bandwidth_of_the_passes():
    [floor] = facts(read("helper-live-change.events"), Kind.FLOOR)
    assert floor["floor_pages"] == pytest.approx(4200, rel=0.02)


def test_the_downtime_is_told_part_by_part_with_its_clock():
    text = told(LAB["821a55"], Kind.DOWNTIME)
    assert "stood still for at most 1.575 s (clock: monotonic clock of the source)" in text
    assert "suspend 384 ms (exact), copy 407 ms (exact), resume at most 783 ms" in text
    [shares] = [one for one in facts(LAB["821a55"], Kind.DOWNTIME) if "memory_s" in one]
    assert (round(shares["memory_s"], 3), round(shares["fixed_s"], 3)) == (0.407, 1.167)


def test_a_downtime_of_which_parts_are_unknown_is_not_their_sum():
    text = told(read("helper-pvh-smp2.events"), Kind.DOWNTIME)
    assert "in all is unknown; the parts that are known come to 953 ms" in text


def test_another_policy_is_replayed():
    default, more, larger = facts(LAB["4104e4"], Kind.OTHER_POLICY)
    assert (default["stop_reason"], default["live_passes"], default["final_pages"]) == ("max_iters", 5, 89)
    assert more["censored"]
    assert more["beyond"]["iteration"] == [11, 30]
    assert (larger["policy"]["min_remaining"], larger["live_passes"]) == (50, 8)


def test_a_run_under_the_default_is_not_compared_with_itself():
    assert [one["policy"]["max_iters"] for one in facts(LAB["b8278b"], Kind.OTHER_POLICY)] == [30, 5]


def test_a_log_without_iterations_is_told_as_what_it_is():
    run = read("stock-migrate-pv.stderr")
    assert "tells no iterations" in told(run, Kind.CONVERGENCE)
    assert "cannot be replayed" in told(run, Kind.OTHER_POLICY)
    assert anomalies(run) == {"none"}


@pytest.mark.parametrize(
    ("name", "status"),
    [("helper-abort.events", "aborted"), ("stock-migrate-noshadow-fail.stderr", "failed")],
)
def test_where_the_guest_of_a_lost_migration_runs_comes_first(name, status):
    first = next(iter(diagnose(read(name))))
    assert (first.kind, first.facts["status"], first.facts["runs_at"]) == (Kind.WHEREABOUTS, status, "source")


def test_whose_guest_may_be_anywhere_is_sent_to_both_hosts():
    run = a_run(stop=a_stop(status=Status.UNDEFINED, stop_reason=StopReason.FAILED, runs_at=Side.UNKNOWN))
    assert next(iter(diagnose(run))).sentence.endswith(
        "look at both hosts, localhost and localhost, before anything else."
    )


def test_memories_that_differ_are_a_warning():
    assert "do not trust this guest" in told(a_run(stop=a_stop(verified=False)), Kind.RECORD)


def test_frames_of_pass_0_that_have_no_memory_are_named():
    assert anomalies(LAB["821a55"]) == {"p2m_in_pass_0"}
    assert "of which 24,576 pages have memory behind them" in told(LAB["821a55"], Kind.ANOMALY)


@pytest.mark.parametrize(
    ("changed", "reads"),
    [(2**64 - 4, "is -4 in a counter of 64 bits that wrapped"), (2**63 - 1, "more than any guest has"),
     (-1, "less than nothing"), (1001, "more than the guest's 1,000 pages")],
)  # fmt: skip
def test_a_counter_that_cannot_be_is_named(changed, reads):
    run = passes({}, {"dirty_pages": changed}, {})
    assert "wrapped_counter" in anomalies(run)
    assert reads in told(run, Kind.ANOMALY)
    assert "contradict each other" in told(run, Kind.CONVERGENCE)


def test_a_gap_in_the_numbers_is_named():
    run = a_run(passes=5)
    run = replace(run, iterations=(*run.iterations[:1], *run.iterations[2:]))
    assert "iteration_gap" in anomalies(run)
    assert "Pass 0 is followed by pass 2" in told(run, Kind.ANOMALY)


def test_time_that_runs_backwards_is_named():
    run = passes({}, {"begun_s": 0.5, "ended_s": 0.6}, {"begun_s": 2.0, "ended_s": 2.5})
    assert "Pass 1 begins 500 ms into the run, before the end of pass 0 (750 ms)" in told(run, Kind.ANOMALY)


def test_a_run_that_ends_before_its_last_pass_is_named():
    assert "time_backwards" in anomalies(a_run(stop=a_stop(ended_s=0.1)))


def test_a_counter_of_32_bits_that_wrapped_is_recognised():
    run = passes({}, {"total_written_pages": 1000 - 2**32}, {"total_written_pages": 1000 - 2**32})
    [one] = [one for one in facts(run, Kind.ANOMALY) if one["anomaly"] == "total_written"]
    assert (one["advanced_pages"], one["expected_pages"]) == (1000 - 2**32, 1000)
    assert "a counter of 32 bits wrapped" in told(run, Kind.ANOMALY)


def test_a_count_that_does_not_add_up_is_named():
    run = passes({}, {"total_written_pages": 900}, {"total_written_pages": 900})
    assert "goes on by 900 from pass 0 to pass 1, where 1,000 pages were due" in told(run, Kind.ANOMALY)


def test_a_pass_much_slower_than_its_neighbours_is_named():
    run = a_run(passes=7, stop=a_stop(ended_s=9.0))
    assert anomalies(run) == {"none"}
    late = replace(run.iterations[3], begun_s=3.0, ended_s=3.0 + 9.0)
    later = [replace(one, begun_s=one.begun_s + 9, ended_s=one.ended_s + 9) for one in run.iterations[4:]]
    run = replace(run, iterations=(*run.iterations[:3], late, *later), stop=a_stop(ended_s=20.0))
    [slow] = facts(run, Kind.ANOMALY)
    assert (slow["anomaly"], slow["iteration"], slow["took_s"]) == ("slow_pass", 3, 9.0)


@pytest.mark.parametrize(("gap_s", "found"), [(0.5, {"heartbeat_gap"}), (1.2, {"none"}), (None, {"none"})])
def test_a_gap_of_heartbeats_shorter_than_the_parts_contradicts_them(gap_s, found):
    parts = (
        DowntimePart(name="copy", duration_s=1.0, knowledge=Knowledge.EXACT, clock="counted"),
        DowntimePart(name="heartbeat gap", duration_s=gap_s, knowledge=Knowledge.AT_MOST, clock="the watcher's"),
    )
    assert anomalies(a_run(stop=a_stop(downtime_s=1.0, downtime=parts))) == found


def test_a_simulated_run_says_that_no_guest_stood_still():
    assert "computed" in told(a_run(), Kind.RECORD)
    setup = Setup(settings={}, applied="embedded", origin=Origin.MEASURED, clock="counted", memory_pages=1000)
    assert told(a_run(setup=setup), Kind.RECORD) == ""


def test_a_policy_that_an_operator_changed_is_the_one_that_is_told():
    assert ThresholdPolicy(min_remaining=1, max_iters=100_000) == read("helper-live-change.events").start.policy
    assert "min_remaining (100,000) bounded" in told(read("helper-live-change.events"), Kind.BLACKOUT)


def test_the_text_is_as_wide_as_a_ticket_takes():
    text = str(diagnose(LAB["b1ca8f"]))
    assert max(map(len, text.splitlines())) <= 100
    assert text.splitlines()[0].startswith("Run 20261123T173320023-b1ca8f: g1 from host1 to host2, completed.")


def test_the_html_escapes_what_a_log_says():
    told = diagnose(a_run(stop=a_stop(message="<b>broken</b>")))._repr_html_()
    assert "&lt;b&gt;broken&lt;/b&gt;." in told


@pytest.mark.parametrize("run", [None, "-1", []])
def test_what_is_no_run_is_refused(run):
    with pytest.raises(InvalidValueError, match="A diagnosis needs a recorded Run"):
        diagnose(run)
