"""`xlkit replay` and `xlkit diagnose`: recorded runs asked again."""

import json

import pytest

from xlkit.diagnosis import diagnose
from xlkit.replays import replay_grid
from xlkit.store import RunStore


def plain(said):
    return " ".join(said.out.split())


def test_replay_tells_xens_default_in_a_sentence(xlkit, recorded):
    said = xlkit("replay", "-1")
    assert (said.code, said.err) == (0, "")
    assert f"Run {recorded[-1]} was stopped by min_remaining after 3 live passes" in plain(said)
    assert "Under threshold(min_remaining=50, max_iters=5), precopy would have gone on past the end" in plain(said)


def test_replay_under_its_own_policy_says_that_it_ended_so(xlkit, recorded):
    assert "would have ended as it did" in plain(xlkit("replay", "-2", "--min_remaining", "50"))


def test_replay_of_several_values_is_a_table(xlkit, recorded):
    said = xlkit("replay", "-2", "--min_remaining", "50,1000", "--max_iters", "1,5")
    title, *lines = [line for line in said.out.splitlines() if line.strip()][-5:]
    assert title.split()[:2] == ["min_remaining", "max_iters"]
    assert [line.split()[:2] for line in lines] == [["50", "1"], ["50", "5"], ["1,000", "1"], ["1,000", "5"]]


def test_replay_as_json_holds_what_the_grid_holds(xlkit, recorded):
    rows = json.loads(xlkit("replay", "-2", "-1", "--max_iters", "1,2", "--json").out)
    assert [row["live_passes"] for row in rows] == replay_grid(list(RunStore()), [50], [1, 2])["live_passes"].tolist()


def test_replay_of_one_policy_as_json_has_its_sentence_and_its_numbers(xlkit, recorded):
    [row] = json.loads(xlkit("replay", "-2", "--policy", "xenserver", "--json").out)
    assert (row["policy"], row["run_id"]) == ({"name": "xenserver"}, recorded[0])
    assert (
        row["sentence"] == "Under xenserver, precopy would have ended as it did, after 4 live passes by min_remaining."
    )


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--max_iters", "many"], "Wanted whole numbers with commas between them"),
        (["--max_iters", "-1"], "Wanted whole numbers"),
        (["--min_remaining", "4294967296"], "must lie between 0 and 4294967295"),
        (["--policy", "suse", "--max_iters", "1,2"], "--policy suse takes one each"),
        (["--policy", "xenserver", "--max_iters", "1"], "--policy xenserver has no max_iters"),
    ],
)
def test_what_cannot_be_replayed_is_refused(xlkit, recorded, words, complaint):
    said = xlkit("replay", "-1", *words)
    assert said.code == 2
    assert complaint in said.err


def test_diagnose_prints_what_the_room_finds(xlkit, recorded):
    said = xlkit("diagnose", "-1", "-2")
    told = [str(diagnose(RunStore()[key])) for key in (-1, -2)]
    assert (said.code, said.out, said.err) == (0, "\n\n".join(told) + "\n", "")


def test_diagnose_as_json_has_a_sentence_and_facts_a_finding(xlkit, recorded):
    [told] = json.loads(xlkit("diagnose", "-1", "--json").out)
    assert told["run_id"] == recorded[-1]
    assert told["findings"][0]["facts"]["runs_at"] == "destination"
    assert all(one["sentence"].endswith(".") for one in told["findings"])
