"""`xlkit migrate` on the simulator: what it prints, records and refuses."""

import json

import pytest

from tests.cli.conftest import SIM
from xlkit.cli import migration
from xlkit.errors import MigrationError, PreflightError, StoreError, UndefinedOutcomeError
from xlkit.model import StopReason
from xlkit.policies import ThresholdPolicy
from xlkit.store import RunStore
from xlkit.units import format_s

REFUSED = [
    (("--min_remaining", "-3"), "min_remaining must lie between 0 and 4294967295, not -3."),
    (("--max_iters", "five"), "'five' is not a valid integer"),
    (("--max_iters", "4294967296"), "max_iters must lie between 0 and"),
    (("--memory", "5Q"), "such as 256MiB, got '5Q'"),
    (("--bandwidth", "0Mbit/s"), "above zero"),
    (("--bandwidth", "none"), "The simulator needs a bandwidth"),
    (("--dirty-rate", "-1"), "rate_pages_s must not be negative"),
    (("--working-set", "200"), "Give 200 a unit"),
    (("--working-set", "90MiB"), "smaller working set"),
    (("--hot-pages", "5"), "--hot-pages needs --workload hotcold."),
    (("--workload", "hotcold", "--hot-share", "2"), "hot_share must lie between 0 and 1"),
    (("--verify", "hold"), "--verify is for --backend local."),
    (("--connect", "somewhere"), "Wanted HOST:PORT"),
    (("--backend", "local", "--connect", "127.0.0.1:9"), "--connect needs the token"),
    (("--frobnicate",), "No such option '--frobnicate'"),
    (("--store",), "requires an argument"),
]


class FailingBackend:
    """A backend that preflights, and then fails."""

    name = "failing"

    def __init__(self, error):
        self.error = error

    def preflight(self, migration):
        raise self.error

    def close(self):
        pass


def test_it_records_the_run_with_the_policy_that_was_asked_for(xlkit):
    said = xlkit(*SIM, "--min_remaining", 60, "--max_iters", 7, "guest", "host")
    (run,) = RunStore()
    assert said.code == 0
    assert run.start.policy == ThresholdPolicy(min_remaining=60, max_iters=7)
    assert (run.start.migration.domain, run.start.migration.destination) == ("guest", "host")


def test_the_options_have_a_spelling_with_dashes(xlkit):
    xlkit(*SIM, "--min-remaining", 60, "--max-iters", 7, "guest", "host")
    assert RunStore()[-1].start.policy == ThresholdPolicy(min_remaining=60, max_iters=7)


def test_zero_asks_for_the_defaults(xlkit):
    xlkit(*SIM, "--min_remaining", 0, "--max_iters", 0, "guest", "host")
    assert RunStore()[-1].start.policy == ThresholdPolicy(min_remaining=50, max_iters=5)


def test_the_summary_says_what_stopped_it_and_what_the_downtime_is(xlkit):
    text = " ".join(xlkit(*SIM, "guest", "host").out.split())
    run = RunStore()[-1]
    last = run.iterations[-2]
    assert f"{last.dirty_pages} pages were dirty before pass {last.iteration}, fewer than min_remaining (50)" in text
    assert f"The guest stood still for {format_s(run.stop.downtime_s)}." in text
    assert "Downtime counts from asking the guest to suspend until it runs again." in text


def test_each_pass_is_a_line_on_standard_error_where_there_is_no_terminal(xlkit):
    said = xlkit(*SIM, "guest", "host")
    lines = said.err.splitlines()
    run = RunStore()[-1]
    assert lines[0].startswith("pass 0: 16,384 pages, 64")
    final = run.iterations[-1]
    assert lines[-1].startswith(f"pass {final.iteration}: {final.dirty_pages} pages with the guest paused")
    assert len(lines) == len(run.iterations)


def test_json_is_all_that_is_printed_where_it_is_asked_for(xlkit):
    printed = json.loads(xlkit(*SIM, "--json", "guest", "host").out)
    run = RunStore()[printed["run_id"]]
    assert [one["dirty_pages"] for one in printed["iterations"]] == [one.dirty_pages for one in run.iterations]
    assert printed["stop"]["stop_reason"] == StopReason.MIN_REMAINING


@pytest.mark.parametrize("workload", ["uniform", "hotcold", "sweep", "idle"])
def test_every_workload_can_be_asked_for(xlkit, workload):
    assert xlkit(*SIM, "--workload", workload, "guest", "host").code == 0
    assert RunStore()[-1].start.setup.settings["workload"]["name"] == workload


def test_a_dry_run_prints_the_set_up_and_records_nothing(xlkit, own_store):
    said = xlkit(*SIM, "--dry-run", "guest", "host")
    assert said.out.startswith("Nothing was started.")
    assert said.out.splitlines()[1].split() == ["memory_bytes", "64", "MiB"]
    assert not own_store.exists()


def test_a_dry_run_prints_the_set_up_as_json(xlkit):
    assert json.loads(xlkit(*SIM, "--dry-run", "--json", "guest", "host").out)["memory_pages"] == 16384


@pytest.mark.parametrize(
    ("words", "sentence"), REFUSED, ids=lambda case: " ".join(case) if isinstance(case, tuple) else ""
)
def test_a_value_that_cannot_be_used_gets_one_line(xlkit, own_store, words, sentence):
    said = xlkit(*SIM, "guest", "host", *words)
    assert said.code == 2
    assert sentence in said.err
    assert said.err.startswith("xlkit: ")
    assert said.err.count("\n") == 1
    assert not own_store.exists()


@pytest.mark.parametrize(
    ("error", "code"), [(MigrationError, 1), (StoreError, 3), (PreflightError, 4), (UndefinedOutcomeError, 5)]
)
def test_each_kind_of_error_has_its_exit_code(xlkit, monkeypatch, error, code):
    monkeypatch.setattr(migration, "make_backend", lambda given: FailingBackend(error("The cable is cut.")))
    said = xlkit("migrate", "guest", "host")
    assert (said.code, said.out, said.err) == (code, "", "xlkit: The cable is cut.\n")


def test_a_store_that_cannot_be_written_is_told_before_a_page_moves(xlkit, tmp_path):
    (tmp_path / "file").write_text("in the way")
    said = xlkit(*SIM, "--store", tmp_path / "file", "guest", "host")
    assert said.code == 3
    assert str(tmp_path / "file") in said.err
    assert "pass 0" not in said.err
