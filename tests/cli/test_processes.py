"""The command line as processes that are interrupted, killed, and that talk to each other."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.cli.conftest import started
from xlkit.model import Side, Status
from xlkit.store import RunStore

# Dirties pages as fast as the link takes them: it does not end by itself within a test.
ENDLESS = (
    "migrate", "--memory", "16MiB", "--bandwidth", "500Mbit/s", "--dirty-rate", "40000", "--max_iters", "100000",
)  # fmt: skip
SMALL = ("migrate", "--memory", "8MiB", "--dirty-rate", "1000")
HOSTS = ("guest", "host")


def run_xlkit(*words, **environment):
    command = [sys.executable, "-m", "xlkit", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | environment)


def wait_for_pass(process, number):
    """Read what a migration prints until it tells of a pass; give the lines so far."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith(f"pass {number}:"):
            return lines
    raise AssertionError(f"The migration ended before pass {number}: {lines}")


@pytest.fixture
def receiver():
    """Start a receiver; give its process, its address and its token."""
    with started("receive", "--json", "--once", "--max-memory", "64MiB") as process:
        told = json.loads(process.stdout.readline())
        yield process, f"{told['host']}:{told['port']}", told["token"]


def test_a_real_migration_is_recorded_and_proved():
    said = run_xlkit(*SMALL, *HOSTS)
    (run,) = RunStore()
    assert (said.returncode, run.stop.status, run.stop.verified) == (0, Status.COMPLETED, True)
    assert "Both memories were proved equal." in " ".join(said.stdout.split())


@pytest.mark.parametrize("sent", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_an_interrupted_migration_is_aborted_and_recorded(sent):
    with started(*ENDLESS, *HOSTS) as process:
        wait_for_pass(process, 1)
        process.send_signal(sent)
        out, err = process.communicate()
    (run,) = RunStore()
    assert process.returncode == 130
    assert "xlkit: aborting; the guest stays at the source.\n" in err
    assert (run.stop.status, run.stop.runs_at) == (Status.ABORTED, Side.SOURCE)
    assert run.run_id in out


@pytest.mark.slow
def test_a_killed_migration_shows_as_incomplete_with_every_pass_that_ended():
    with started(*ENDLESS, *HOSTS) as process:
        told = wait_for_pass(process, 2)
        process.kill()
        told += process.communicate()[1].splitlines()
    (listed,) = json.loads(run_xlkit("runs", "--json").stdout)
    assert (listed["status"], listed["complete"]) == ("incomplete", False)
    assert listed["iterations"] >= len(told) >= 3


@pytest.mark.slow
def test_a_migration_that_goes_on_shows_as_running():
    with started(*ENDLESS, *HOSTS) as process:
        wait_for_pass(process, 0)
        (listed,) = json.loads(run_xlkit("runs", "--json").stdout)
    assert (listed["status"], listed["complete"]) == ("running", False)


@pytest.mark.slow
def test_two_processes_migrate_to_each_other(receiver):
    process, address, token = receiver
    said = run_xlkit(*SMALL, "--connect", address, *HOSTS, XLKIT_TOKEN=token)
    assert said.returncode == 0
    assert RunStore()[-1].stop.verified is True
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 130


def test_a_sender_without_the_token_is_refused_and_records_nothing(receiver):
    _, address, _ = receiver
    said = run_xlkit(*SMALL, "--connect", address, "--token", "guessed", *HOSTS)
    assert said.returncode == 4
    assert said.stderr.startswith("xlkit: ")
    assert "token" in said.stderr
    assert len(RunStore()) == 0


def test_a_receiver_that_is_interrupted_leaves_without_a_traceback():
    with started("receive", "--listen", "127.0.0.1:0") as process:
        assert process.stdout.readline().startswith("listening on 127.0.0.1:")
        assert process.stdout.readline().startswith("token ")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert (process.returncode, err.strip()) == (130, "xlkit: interrupted.")


@pytest.mark.slow
def test_the_demo_compares_two_migrations_and_writes_a_page(tmp_path):
    said = run_xlkit("demo", "--quick", "--html", str(tmp_path / "demo.html"))
    first, second = RunStore()
    assert said.returncode == 0
    assert (first.start.policy.min_remaining, second.start.policy.min_remaining) == (50, 5_000)
    assert first.stop.verified is True
    assert second.stop.verified is True
    assert first.run_id in (tmp_path / "demo.html").read_text()
    assert said.stdout.splitlines()[0].split() == ["run", first.run_id, second.run_id]
