"""Other processes that write into a store, and limits that stand in for a full disk."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The child says what it has done on its output, and takes a line of its input as the sign to go on.
PRELUDE = """
import sys
from dataclasses import replace
from tests.records import ScriptedBackend, a_final_pass, a_pass, a_run, a_start, a_stop
from xlkit.model import Migration
from xlkit.policies import ThresholdPolicy
from xlkit.runner import run
from xlkit.store import RunStore

store = RunStore(sys.argv[1])

def say(word):
    print(word, flush=True)

def wait():
    sys.stdin.readline()
"""


@contextmanager
def child(code: str, store: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run code in another process; it is killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PRELUDE + code, str(store)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def hear(process: "subprocess.Popen[str]", *words: str) -> None:
    """Wait until the child has said these words."""
    assert process.stdout is not None
    for word in words:
        assert process.stdout.readline().strip() == word


@contextmanager
def files_limited_to(n_bytes: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes: the system's own error, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
