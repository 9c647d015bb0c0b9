"""`xlkit sweep`: a plan from a file or a suite."""

import json
import re
import signal
from pathlib import Path

import pytest

from tests.cli.conftest import started
from xlkit.model import Status
from xlkit.store import RunStore

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.fixture
def plan(tmp_path):
    """Write the plan of the README, simulated."""
    (text,) = re.findall(r"^```toml\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    path = tmp_path / "plan.toml"
    path.write_text(text.replace('"local"', '"sim"'))
    return path


def test_the_plan_of_the_readme_runs_and_is_not_run_twice(xlkit, plan):
    said = xlkit("sweep", plan)
    assert (said.code, len(RunStore())) == (0, 6)
    assert said.out.count("done") == 2
    assert "[........................] 0 of 6 runs" in said.err
    assert xlkit("sweep", plan, "--json").code == 0
    assert len(RunStore()) == 6


def test_the_result_as_json_names_every_run(xlkit, plan):
    told = json.loads(xlkit("sweep", plan, "--json", "--jobs", "2").out)
    assert sorted(told["runs"]) == RunStore().run_ids()
    assert [cell["runs"] for cell in told["cells"]] == [3, 3]
    assert told["complete"] is True


def test_a_dry_run_lists_the_order_and_starts_nothing(xlkit, plan):
    plan.write_text(plan.read_text().replace('"sim"', '"local"'))
    told = json.loads(xlkit("sweep", plan, "--dry-run", "--json").out)
    assert [one["repetition"] for one in told["runs"]] == [0, 0, 1, 1, 2, 2]
    assert told["expected_s"] == pytest.approx(sum(one["expected_s"] for one in told["runs"]) + 5 * 0.5)
    assert "6 runs of 2 cells" in xlkit("sweep", plan, "--dry-run").out
    assert len(RunStore()) == 0


def test_the_suites_are_listed_with_what_they_vary(xlkit):
    said = xlkit("sweep", "--list")
    assert [line.split(":")[0] for line in said.out.splitlines()] == ["knobs", "links", "wild", "writers"]


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        ([], 2, "Name one plan"),
        (["--suite", "knbos"], 2, "There is no suite 'knbos'"),
        (["no-such.toml"], 3, "Cannot use no-such.toml"),
    ],
)
def test_a_plan_that_is_not_there_is_told(xlkit, words, code, complaint):
    said = xlkit("sweep", *words)
    assert said.code == code
    assert complaint in said.err


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_sweep_of_real_migrations_that_is_stopped_goes_on_where_it_was(xlkit, plan, sent):
    plan.write_text(plan.read_text().replace('"sim"', '"local"'))
    with started("sweep", str(plan)) as process:
        next(line for line in process.stderr if " 1 of 6 runs" in line)
        process.send_signal(sent)
        process.wait(timeout=20)
    assert process.returncode == (-signal.SIGKILL if sent == signal.SIGKILL else 130)
    first = RunStore().run_ids()[0]
    assert json.loads(xlkit("sweep", plan, "--json").out)["complete"] is True
    completed = [run.run_id for run in RunStore() if run.stop.status is Status.COMPLETED]
    assert len(completed) == 6
    assert first == completed[0]
