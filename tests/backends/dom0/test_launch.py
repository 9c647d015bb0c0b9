import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.backends.dom0.conftest import CARGO


def launch(folder: Path, *argv: str, **environment: str) -> None:
    (folder / "job.json").write_text(json.dumps({"argv": argv, "env": environment}))
    subprocess.run([sys.executable, "-ISs", CARGO / "launch.py", str(folder)], check=True, timeout=10)


def events_until(folder: Path, last: str) -> list[dict]:
    """Follow the events until one of that kind has come."""
    end_s = time.monotonic() + 10
    while time.monotonic() < end_s:
        path = folder / "events"
        found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        if found and found[-1]["event"] == last:
            return found
        time.sleep(0.01)
    raise AssertionError(f"no {last}: {found}")


def wait_for(path: Path) -> None:
    end_s = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < end_s, path
        time.sleep(0.01)


def test_the_lines_and_the_end_become_events(tmp_path: Path) -> None:
    launch(tmp_path, "sh", "-c", 'echo one >&2; printf "two $WORD" >&2; exit 3', WORD="glued")
    launched, *texts, ended = events_until(tmp_path, "xl-exited")
    assert launched["argv"][0] == "sh"
    assert [one["line"] for one in texts] == ["one", "two glued"]
    assert ended["status"] == 3


def test_what_runs_knows_the_folder_and_time_0(tmp_path: Path) -> None:
    launch(tmp_path, "sh", "-c", 'echo "$XLKIT_RUN" >&2; test "${XLKIT_T0%.*}" -gt 0')
    events = events_until(tmp_path, "xl-exited")
    assert events[1]["line"] == str(tmp_path)
    assert events[-1]["status"] == 0


def test_it_runs_in_a_session_of_its_own_with_no_terminal(tmp_path: Path) -> None:
    launch(tmp_path, "sh", "-c", "ps -o sid= -p $$ >&2; read line || echo no input >&2")
    session, no_input = [one["line"] for one in events_until(tmp_path, "xl-exited") if one["event"] == "text"]
    assert int(session) != os.getsid(0)
    assert no_input == "no input"


def test_what_runs_goes_on_when_its_watcher_is_killed(tmp_path: Path) -> None:
    launch(
        tmp_path,
        "sh",
        "-c",
        'echo $PPID > "$0/p"; mv "$0/p" "$0/parent"; until [ -e "$0/go" ]; do sleep 0.02; done; echo > "$0/done"',
        str(tmp_path),
    )
    wait_for(tmp_path / "parent")
    os.kill(int((tmp_path / "parent").read_text()), signal.SIGKILL)
    (tmp_path / "go").touch()
    wait_for(tmp_path / "done")


def test_a_program_that_is_not_there_is_an_exit(tmp_path: Path) -> None:
    launch(tmp_path, "/no/such/xl")
    *_, text, ended = events_until(tmp_path, "xl-exited")
    assert "No such file" in text["line"]
    assert ended["status"] == 127


def test_a_program_that_is_killed_is_told(tmp_path: Path) -> None:
    launch(tmp_path, "sh", "-c", "kill -9 $$")
    assert events_until(tmp_path, "xl-exited")[-1]["status"] == 128 + signal.SIGKILL
