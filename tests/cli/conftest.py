"""The command line, called in this process or started as one of its own."""

import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from xlkit.cli import main

SIM = ("migrate", "--backend", "sim", "--dirty-rate", "2000", "--memory", "64MiB")


class Said(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def xlkit(capsys):
    """Call the command line in this process."""

    def call(*words):
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        return Said(left.value.code, *capsys.readouterr())

    return call


@pytest.fixture
def recorded(xlkit, own_store):
    """Record two simulated runs, and give their ids."""
    for min_remaining in (50, 1_000):
        assert xlkit(*SIM, "--min_remaining", min_remaining, "guest", "host").code == 0
    return sorted(path.stem for path in own_store.glob("*.parquet"))


@contextmanager
def started(*words):
    """Start the command line as a process of its own, which ends with the block at the latest."""
    process = subprocess.Popen(
        [sys.executable, "-m", "xlkit", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in the background of a shell ignores Ctrl-C, and its children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no threads here
    )
    with process:
        try:
            yield process
        finally:
            process.kill()
