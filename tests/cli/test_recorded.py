"""`xlkit runs`, `show`, `compare`, `export`: what the store holds."""

import csv
import json
import subprocess
import sys

import pytest

from tests.cli.conftest import SIM
from xlkit.store import RunStore, read_runs


def test_an_empty_store_is_no_error(xlkit, own_store):
    said = xlkit("runs")
    assert (said.code, said.err) == (0, "")
    assert f"There are no runs in {own_store}." in said.out
    assert json.loads(xlkit("runs", "--json").out) == []


def test_runs_lists_a_line_a_run(xlkit, recorded):
    head, *lines = xlkit("runs").out.splitlines()
    assert head.split()[:2] == ["run", "status"]
    assert [line.split()[0] for line in lines] == recorded
    assert all("sim (simulated)" in line for line in lines)


def test_runs_as_json_has_what_scripts_rely_on(xlkit, recorded):
    listed = json.loads(xlkit("runs", "--json").out)
    assert [(one["run_id"], one["status"], one["complete"]) for one in listed] == [
        (run_id, "completed", True) for run_id in recorded
    ]
    assert [one["iterations"] for one in listed] == [len(run.iterations) for run in RunStore()]


@pytest.mark.parametrize("key", ["-1", "id", "prefix"])
def test_show_takes_an_id_its_beginning_or_minus_one(xlkit, recorded, key):
    words = {"id": recorded[-1], "prefix": recorded[-1][:-2]}
    assert xlkit("show", words.get(key, key)).out.startswith(f"Run {recorded[-1]}: guest from localhost to host")


def test_show_as_json_holds_every_field_of_every_pass(xlkit, recorded):
    shown = json.loads(xlkit("show", "-2", "--json").out)
    run = RunStore()[recorded[0]]
    assert [one["ended_s"] for one in shown["iterations"]] == [one.ended_s for one in run.iterations]


def test_a_beginning_that_fits_several_runs_lists_them(xlkit, recorded):
    said = xlkit("show", "20")
    assert said.code == 3
    assert all(run_id in said.err for run_id in recorded)


@pytest.mark.parametrize("key", ["-7", "nothing"])
def test_a_run_that_is_not_there_is_an_error_of_the_store(xlkit, recorded, key):
    said = xlkit("show", key)
    assert (said.code, said.err) == (3, f"xlkit: No run answers to '{key}'. `xlkit runs` lists what the store holds.\n")


def test_a_misspelt_option_is_not_taken_for_a_run(xlkit, recorded):
    said = xlkit("show", "-1", "--jsno")
    assert said.code == 2


def test_compare_puts_runs_side_by_side(xlkit, recorded):
    out = xlkit("compare", *recorded).out
    assert out.splitlines()[0].split() == ["run", *recorded]
    assert out.splitlines()[2].split() == ["min_remaining", "50", "1,000"]
    assert "let the guest stand still for" in " ".join(out.split())


def test_compare_gives_many_runs_a_line_each(xlkit, recorded):
    lines = xlkit("compare", *recorded, *recorded).out.splitlines()
    assert [line.split()[0] for line in lines[1:5]] == [*recorded, *recorded]


def test_compare_as_json_has_the_runs_and_their_settings(xlkit, recorded):
    compared = json.loads(xlkit("compare", "--json", "-2", "-1").out)
    assert [row["min_remaining"] for row in compared["runs"]] == [50, 1000]
    assert [row["median_downtime_s"] for row in compared["settings"]] == [run.stop.downtime_s for run in RunStore()]


def test_compare_writes_a_page(xlkit, recorded, tmp_path):
    assert xlkit("compare", "-1", "--html", tmp_path / "page.html").code == 0
    assert (tmp_path / "page.html").read_text().startswith("<!DOCTYPE html>")


def export(xlkit, form, path):
    said = xlkit("export", "-2", "-1", "--format", form, "-o", path)
    assert (said.code, said.out, said.err) == (0, "", f"Wrote 2 runs to {path}.\n")


def test_an_exported_parquet_file_holds_the_whole_runs(xlkit, recorded, tmp_path):
    export(xlkit, "parquet", tmp_path / "two.parquet")
    assert read_runs(tmp_path / "two.parquet") == list(RunStore())


def test_an_exported_csv_file_has_a_line_a_pass(xlkit, recorded, tmp_path):
    export(xlkit, "csv", tmp_path / "two.csv")
    with (tmp_path / "two.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["run_id"] for row in rows] == [run.run_id for run in RunStore() for _ in run.iterations]


def test_an_exported_json_file_holds_the_whole_runs(xlkit, recorded, tmp_path):
    export(xlkit, "json", tmp_path / "two.json")
    assert [run["run_id"] for run in json.loads((tmp_path / "two.json").read_text())] == recorded


def test_an_exported_page_shows_the_runs(xlkit, recorded, tmp_path):
    export(xlkit, "html", tmp_path / "two.html")
    assert all(run_id in (tmp_path / "two.html").read_text() for run_id in recorded)


@pytest.mark.parametrize("form", ["csv", "json", "html", "parquet"])
def test_a_file_that_cannot_be_written_is_named(xlkit, recorded, tmp_path, form):
    (tmp_path / "file").write_text("in the way")
    said = xlkit("export", "-1", "--format", form, "-o", tmp_path / "file" / "x")
    assert said.code == 3
    assert str(tmp_path / "file") in said.err
    assert said.err.count("\n") == 1


def test_a_foreign_file_in_the_store_is_a_warning(xlkit, recorded, own_store, recwarn):
    (own_store / "foreign.parquet").write_text("not parquet")
    command = [sys.executable, "-m", "xlkit", "runs"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stderr.startswith("xlkit: warning: ")
    assert "foreign.parquet" in said.stderr
    assert len(said.stdout.splitlines()) == 3


def test_a_reader_that_leaves_early_is_no_error(recorded):
    command = [sys.executable, "-m", "xlkit", "show", "-1", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""


@pytest.fixture
def repeated(xlkit, own_store):
    """Record four repetitions each of two settings."""
    for min_remaining in (50, 1_000):
        for seed in range(4):
            assert xlkit(*SIM, "--seed", seed, "--min_remaining", min_remaining, "g", "h").code == 0
    return sorted(path.stem for path in own_store.glob("*.parquet"))


def test_repetitions_are_compared_by_their_medians(xlkit, repeated):
    said = xlkit("compare", *repeated)
    assert "Medians; in brackets" in said.out
    assert said.out.count("threshold(min_remaining=50, max_iters=5) (simulated)") == 1


def test_repetitions_can_be_ranked(xlkit, repeated):
    said = xlkit("compare", *repeated, "--rank", "downtime_s")
    assert said.code == 0
    assert "By downtime_s, smallest first:" in said.out
    assert [
        row["place"] for row in json.loads(xlkit("compare", *repeated, "--rank", "downtime_s", "--json").out)["rank"]
    ]


def test_single_runs_are_not_ranked(xlkit, recorded):
    said = xlkit("compare", *recorded, "--rank", "downtime_s")
    assert said.code == 2
    assert "One run is no result" in said.err


def test_a_report_is_one_page_about_the_runs_that_are_named(xlkit, recorded, tmp_path):
    said = xlkit("report", recorded[0], "-o", tmp_path / "page.html", "--title", "Monday")
    assert said.code == 0
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<title>Monday</title>" in text
    assert recorded[0] in text
    assert recorded[1] not in text


def test_a_report_of_no_run_in_particular_is_about_all(xlkit, recorded, tmp_path):
    assert "about 2 runs" in xlkit("report", "-o", tmp_path / "page.html").err


def test_a_report_that_cannot_be_written_says_so(xlkit, recorded, tmp_path):
    said = xlkit("report", "-o", tmp_path / "missing" / "page.html")
    assert said.code == 3
    assert "Choose another place" in said.err
