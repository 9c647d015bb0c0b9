"""What the README promises is there."""

import re
from pathlib import Path

import pytest

import xlkit
from xlkit.cli import cli
from xlkit.store import RunStore

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def run_the_notebook_start():
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})


def test_the_start_in_a_notebook_runs_on_the_simulator(monkeypatch, capsys):
    monkeypatch.setattr(xlkit, "LocalBackend", xlkit.SimBackend, raising=False)
    run_the_notebook_start()
    assert [run.start.policy.min_remaining for run in RunStore()] == [50, 5_000]
    assert "downtime_s" in capsys.readouterr().out


@pytest.mark.slow
def test_the_start_in_a_notebook_runs_for_real(capsys):
    run_the_notebook_start()
    assert [run.stop.verified for run in RunStore()] == [True, True]


def test_the_start_in_a_notebook_has_at_most_ten_lines():
    (code,) = blocks("python")
    assert 5 <= len(code.splitlines()) <= 10


def test_every_make_target_that_is_named_exists():
    named = set(re.findall(r"\bmake (demo|lab|venv|\w+)\b(?=[` ]*(?:#|`|$))", README, re.MULTILINE))
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "lab", "test", "check", "bench"} <= named <= targets


def test_every_command_that_is_named_exists():
    named = set(re.findall(r"\bxlkit (migrate|receive|[a-z]+)\b(?= [-`]|`|$| +#)", "\n".join(blocks("sh"))))
    assert {"migrate", "runs", "show", "compare", "export"} <= named <= set(cli.commands)


def test_the_example_of_migrate_is_one_that_the_command_takes():
    line = next(line for line in README.splitlines() if line.startswith("xlkit migrate --backend"))
    context = cli.commands["migrate"].make_context("migrate", line.split()[2:])
    assert (context.params["domain"], context.params["max_iters"]) == ("DOMAIN", 8)


def test_the_exit_codes_are_those_of_the_help():
    table = dict(re.findall(r"^\| (\d+) \| (.*?) \|$", README, re.MULTILINE))
    helped = dict(re.findall(r"^ +(\d+) +(.+)$", cli.help, re.MULTILINE))
    assert table.keys() == helped.keys()
    assert all(table[code].startswith(helped[code]) for code in helped)


def test_the_environment_variables_are_those_of_the_help():
    assert set(re.findall(r"XLKIT_\w+", cli.help)) == set(re.findall(r"^\| `(XLKIT_\w+)`", README, re.MULTILINE))


def test_the_map_names_every_room():
    rooms = {path.stem for path in (ROOT / "xlkit").iterdir() if path.suffix in {"", ".py"}} - {
        "__pycache__",
        "__main__",
    }
    (house,) = [block for block in blocks("text") if block.startswith("xlkit/")]
    assert [room for room in rooms if not re.search(rf"\b{room}(/|\.py)", house)] == []
