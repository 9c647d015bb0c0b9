"""`xlkit migrate --backend xl --dry-run`: golden lines, and refusals before anything is contacted."""

import json
from pathlib import Path

import pytest

import xlkit.backends.xl

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "xl_command").glob("*.json"))
DRY = ("migrate", "--backend", "xl", "--dry-run")


@pytest.fixture(autouse=True)
def nothing_is_contacted(monkeypatch):
    def contacted(*_):
        pytest.fail("a host was contacted")

    monkeypatch.setattr(xlkit.backends.xl, "probe", contacted)
    monkeypatch.setattr(xlkit.backends.xl, "_reach", contacted)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_what_is_typed_gives_the_golden_line(xlkit, path):
    case = json.loads(path.read_text())
    said = xlkit(*DRY, *case["words"])
    assert (said.code, said.out) == (0, case["line"] + "\n")


def test_json_gives_the_words_and_the_source(xlkit):
    said = xlkit(*DRY, "--json", "--source", "admin@dom0a", "--way", "helper", "g1", "hostb")
    assert json.loads(said.out) == {"source": "admin@dom0a", "command": ["xl", "migrate", "g1", "hostb"]}


def test_it_says_that_the_host_may_have_no_such_flags(xlkit):
    assert "a save helper carries both numbers" in xlkit(*DRY, "g1", "hostb").err
    assert xlkit(*DRY, "--way", "native", "g1", "hostb").err == ""


@pytest.mark.parametrize("dry", [True, False])
@pytest.mark.parametrize(
    "words",
    [
        ("g1", "hostb;reboot"), ("g1;reboot", "hostb"), ("--", "g1", "-oProxyCommand=reboot"), ("g1", "$(reboot)"),
        ("-s", "ssh;reboot", "g1", "hostb"), ("-s", "", "g1", "hostb"), ("-C", "g1.cfg", "g1", "hostb"),
        ("--source", "dom0;reboot", "g1", "hostb"), ("--min_remaining", "-1", "g1", "hostb"), ("-vvvv", "g1", "hostb"),
    ],
)  # fmt: skip
def test_what_is_hostile_is_refused_dry_or_not_in_one_line(xlkit, words, dry):
    said = xlkit(*(DRY if dry else DRY[:-1]), *words)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)


def test_a_heartbeat_without_a_number_is_refused(xlkit):
    said = xlkit(*DRY, "--heartbeat", "beat", "g1", "hostb")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "has its number in a group" in said.err
    assert xlkit(*DRY, "--heartbeat", "beat ([0-9]+)", "g1", "hostb").code == 0


def test_a_way_that_cannot_carry_the_policy_is_refused(xlkit):
    said = xlkit(*DRY, "--way", "observe", "--min_remaining", "500", "g1", "hostb")
    assert said.code == 4
    assert "Nothing was started" in said.err


def test_options_of_another_backend_are_refused_and_not_passed_over(xlkit):
    assert "--memory is for guests that xlkit starts itself" in xlkit(*DRY, "--memory", "1GiB", "g1", "hostb").err
    assert "-p is for --backend xl" in xlkit("migrate", "--backend", "sim", "-p", "g1", "hostb").err
    assert xlkit("migrate", "--source", "dom0a", "g1", "hostb").code == 2
