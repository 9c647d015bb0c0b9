"""`xlkit advise`: knobs for a pause."""

import json

import pytest

from xlkit.advice import advise
from xlkit.model import Migration
from xlkit.store import RunStore


def test_advise_prints_the_line_to_type_and_why(xlkit, recorded):
    said = xlkit("advise", "--downtime", "100ms", "guest", "host")
    told = advise(RunStore(), Migration("guest", "host"), downtime_s=0.1)
    assert (said.code, said.out, said.err) == (0, f"{told}\n", "")
    assert f"xl migrate --min_remaining {told.min_remaining} --max_iters {told.max_iters} guest host" in said.out


def test_advise_as_json_has_the_numbers(xlkit, recorded):
    told = json.loads(xlkit("advise", "--json", "guest", "host").out)
    assert (told["downtime_s"], told["verdict"], told["learned_from"]) == (0.3, "sure", recorded)
    assert told["expected"]["downtime_s"]["high"] <= 0.3


def test_a_budget_that_cannot_be_kept_leaves_with_4(xlkit, recorded):
    said = xlkit("advise", "--downtime", "20us", "guest", "host")
    assert said.code == 4
    assert "is the least that can be kept" in " ".join(said.out.split())


def test_runs_of_another_guest_are_named_as_such(xlkit, recorded):
    said = xlkit("advise", "--like", "-1", "--like", recorded[0], "web2", "hostb")
    assert said.code == 0
    assert "from 2 simulated runs of guest, which is taken to behave alike" in " ".join(said.out.split())


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--downtime", "300", "guest", "host"], "Give 300 a unit, for example 300ms or 300s."),
        (["--downtime", "soon", "guest", "host"], "Wanted a duration such as 300ms or 1.5s"),
        (["--downtime", "0s", "guest", "host"], "must be a positive time"),
        (["guest", "host;reboot"], "HOST must be"),
        (["other", "host"], "there are runs of guest"),
    ],
)
def test_what_cannot_be_advised_is_a_usage_error(xlkit, recorded, words, complaint):
    said = xlkit("advise", *words)
    assert said.code == 2
    assert complaint in said.err
