"""A diagnosis of whatever may be recorded."""

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.replays.scene import cut_off, guests, policies, record
from tests.strategies import runs
from xlkit.diagnosis import Kind, diagnose
from xlkit.model import Status

OPTIONAL = ("dirty_pages", "sent_pages", "sent_bytes", "collect_s", "decision_before", "decision_after")


@given(runs)
@settings(deadline=None)
def test_no_record_is_too_odd_to_be_diagnosed(run):
    told = diagnose(run)
    assert all(one.sentence.endswith(".") and one.sentence.isprintable() for one in told)
    assert json.loads(json.dumps(told.to_data()))["run_id"] == run.run_id
    assert all(one.sentence for one in told)
    assert str(told).encode()
    assert told._repr_html_().encode()


@given(policies, guests)
@settings(deadline=None, max_examples=30)
def test_a_run_of_the_simulator_has_a_finding_of_each_kind_and_nothing_stands_out(policy, guest):
    told = diagnose(record(policy, guest))
    assert {Kind.WHEREABOUTS, Kind.STOP, Kind.CONVERGENCE, Kind.ANOMALY} <= {one.kind for one in told}
    assert {one.facts["anomaly"] for one in told.of(Kind.ANOMALY)} <= {"none", "slow_pass"}


@given(policies, guests, st.integers(0, 5), st.sampled_from(list(Status)), st.sets(st.sampled_from(OPTIONAL)))
@settings(deadline=None, max_examples=50)
def test_a_run_that_lost_its_end_and_some_of_its_numbers_is_diagnosed(policy, guest, kept, status, lost):
    run = cut_off(record(policy, guest), kept, status)
    run = replace(run, iterations=tuple(replace(one, **dict.fromkeys(lost)) for one in run.iterations))
    told = diagnose(run)
    assert all(one.sentence.endswith(".") for one in told)
    assert told.findings[0].facts["status"] == status


@given(runs)
@settings(deadline=None, max_examples=30)
def test_where_the_guest_is_comes_first(run):
    first, *rest = diagnose(run)
    assert first.kind is Kind.WHEREABOUTS
    assert Kind.WHEREABOUTS not in {one.kind for one in rest}
