"""`xlkit import`: old logs become runs; what is none is skipped and said so."""

import json
from pathlib import Path

import pytest

from xlkit.policies import ThresholdPolicy
from xlkit.store import RunStore

LAB = Path(__file__).parents[2] / "data" / "logs" / "xen_lab"


def test_a_log_becomes_a_run_with_its_policy(xlkit):
    said = xlkit("import", LAB / "helper-iters20.stderr")
    [run] = RunStore()
    assert (said.code, run.start.policy) == (0, ThresholdPolicy(min_remaining=1, max_iters=20))
    assert said.out.startswith(f"{run.run_id}  completed, iterations: 21, stopped by max_iters")


def test_a_folder_is_read_whole_twice_over_and_each_run_is_there_once(xlkit):
    first, second = xlkit("import", LAB), xlkit("import", LAB)
    assert (first.code, second.code) == (0, 0)
    assert first.out == second.out
    assert len(first.out.splitlines()) == len(RunStore()) == 19
    assert all(
        f"skipped {LAB / name}: No reader knows it" in first.err for name in ("boot-hosta.serial.log", "ci-run.txt")
    )


def test_json_lists_runs_and_what_was_skipped(xlkit):
    said = json.loads(xlkit("import", "--json", LAB).out)
    assert said["runs"][-1].startswith("19700101T")
    assert len(said["runs"]) == 19
    assert {Path(path).name for path in said["skipped"]} == {
        "boot-cpu-max-smap-crash.log", "boot-cpu-max-xsave-gpf.log", "boot-hosta.serial.log", "ci-run.txt",
        "ci-run-green.txt",
    }  # fmt: skip


def test_a_file_that_was_named_and_is_no_log_is_an_error_but_the_others_are_read(xlkit):
    said = xlkit("import", LAB / "ci-run.txt", LAB / "stock-migrate-pv.stderr")
    assert said.code == 3
    assert "iterations unknown" in said.out
    assert len(RunStore()) == 1


@pytest.mark.parametrize("path", ["nowhere.log", "empty"])
def test_nothing_to_read_is_no_success(xlkit, tmp_path, path):
    (tmp_path / "empty").mkdir()
    assert xlkit("import", tmp_path / path).code != 0


def test_a_run_without_a_known_policy_can_be_listed_shown_and_compared(xlkit, tmp_path):
    xlkit("import", LAB / "stock-migrate-pv.stderr", LAB / "helper-pvh.events")
    listed = {one["run_id"]: one for one in json.loads(xlkit("runs", "--json").out)}
    assert len(listed) == 2
    assert "unknown" in xlkit("show", "1970").out
    assert xlkit("compare", *listed).code == 0
    assert xlkit("export", *listed, "--format", "json", "-o", tmp_path / "runs.json").code == 0
