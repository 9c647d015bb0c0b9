"""`xlkit forecast`, and what `xlkit migrate` expects of the run it begins."""

import json

import pytest

from tests.cli.conftest import SIM
from xlkit.store import RunStore


def test_forecast_tells_each_quantity_with_its_range(xlkit, recorded):
    said = xlkit("forecast", "guest", "host")
    assert said.code == 0
    assert "learned from 2 runs (curve)" in said.out
    assert [line.split()[0] for line in said.out.splitlines()[2:5]] == ["total", "downtime", "sent"]
    assert "90% of such migrations" in said.out


def test_forecast_as_json_has_the_fields_of_the_record(xlkit, recorded):
    told = json.loads(xlkit("forecast", "--json", "--max_iters", 2, "guest", "host").out)
    assert told["learned_from"] == recorded
    assert told["live_passes"]["likely"] == 2
    assert told["total_s"]["low"] <= told["total_s"]["likely"] <= told["total_s"]["high"]


def test_runs_of_another_guest_count_when_they_are_named(xlkit, recorded):
    assert xlkit("forecast", "other", "far").code == 2
    said = xlkit("forecast", "--like", "-1", "--like", recorded[0], "other", "far")
    assert (said.code, "learned from 2 runs" in said.out) == (0, True)


def test_without_an_earlier_run_it_says_how_to_go_on(xlkit, own_store):
    said = xlkit("forecast", "guest", "host")
    assert said.code == 2
    assert "name runs that are alike with --like" in said.err


def test_a_larger_guest_over_a_slower_link_takes_longer(xlkit, recorded):
    words = ("forecast", "--json", "guest", "host")
    once = json.loads(xlkit(*words).out)["total_s"]["likely"]
    more = json.loads(xlkit(*words, "--memory", "128MiB", "--bandwidth", "500Mbit/s").out)["total_s"]["likely"]
    assert more > 3.5 * once


def test_the_third_run_is_recorded_with_what_was_expected_of_it(xlkit, recorded):
    said = xlkit(*SIM, "guest", "host")
    assert "Expected: total" in said.out
    run = RunStore()[-1]
    assert run.start.forecast.learned_from == tuple(recorded)
    assert run.stop.ended_s in run.start.forecast.total_s


@pytest.mark.parametrize(
    "changed",
    [("--no-forecast",), ("--memory", "32MiB"), ("--dirty-rate", "3000"), ("--bandwidth", "100Mbit/s")],
    ids=lambda words: words[0],
)
def test_a_run_of_another_kind_is_not_expected_to_be_like_those(xlkit, recorded, changed):
    said = xlkit(*SIM, *changed, "guest", "host")
    assert (said.code, "Expected" in said.out) == (0, False)
    assert RunStore()[-1].start.forecast is None


def test_the_first_two_runs_have_no_forecast(recorded):
    assert [run.start.forecast for run in RunStore()] == [None, None]


def test_a_forecast_that_cannot_be_made_does_not_keep_a_migration_from_beginning(xlkit, recorded, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise ArithmeticError

    monkeypatch.setattr("xlkit.forecasts.forecast", fail)
    assert xlkit(*SIM, "guest", "host").code == 0
