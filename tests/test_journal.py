"""An event as one JSON line, and back."""

import json
from dataclasses import dataclass, replace

import pytest
from hypothesis import given

from tests import strategies
from tests.records import a_pass, a_start
from xlkit.errors import StoreError
from xlkit.journal import from_data, from_line, to_data, to_line
from xlkit.model import Decision, Iteration, Run
from xlkit.policies import RecordedPolicy, from_settings, to_settings

CODEC = (to_settings, from_settings)


@given(strategies.events)
def test_every_event_survives_a_line(event):
    line = to_line(event, CODEC)
    assert from_line(line, CODEC) == event
    assert "\n" not in line


@given(strategies.migrations, strategies.setups, strategies.stats)
def test_every_other_record_survives_plain_data(migration, setup, stats):
    for record in (migration, setup, stats):
        data = json.loads(json.dumps(to_data(record, CODEC)))
        assert from_data(type(record), data, CODEC) == record


@given(strategies.runs)
def test_a_whole_run_survives_plain_data(run):
    assert from_data(Run, json.loads(json.dumps(to_data(run, CODEC))), CODEC) == run


@pytest.mark.parametrize("line", ["", "{", "{}", "[]", "3", '{"event": "party"}', '{"event": "stop"}'])
def test_a_line_that_is_no_event_is_refused_with_its_beginning(line):
    with pytest.raises(StoreError, match="Not an event of a run"):
        from_line(line, CODEC)


def test_an_unknown_word_in_a_field_is_refused():
    line = to_line(a_pass(0), CODEC).replace('"precopy"', '"postcopy"')
    with pytest.raises(StoreError, match="postcopy"):
        from_line(line, CODEC)


def test_a_number_that_json_cannot_hold_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        to_line(replace(a_pass(0), begun_s=float("nan")), CODEC)


def test_fields_of_a_later_version_are_passed_over_and_missing_ones_get_their_default():
    data = json.loads(to_line(a_pass(3), CODEC))
    del data["heartbeat_pages"]
    assert from_line(json.dumps({**data, "mood": "good"}), CODEC) == a_pass(3)


def test_whole_seconds_written_without_a_fraction_come_back_as_floats():
    data = {**json.loads(to_line(a_pass(0), CODEC)), "begun_s": 0}
    event = from_line(json.dumps(data), CODEC)
    assert isinstance(event, Iteration)
    assert isinstance(event.begun_s, float)


def test_a_policy_of_somebody_else_comes_back_by_name_and_settings():
    @dataclass(frozen=True)
    class Coin:
        edge: int = 2

        def decide(self, stats):
            return Decision.CONTINUE

    back = from_line(to_line(a_start(policy=Coin()), CODEC), CODEC)
    assert back == a_start(policy=RecordedPolicy("Coin", {"edge": 2}))
