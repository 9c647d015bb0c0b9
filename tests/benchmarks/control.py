"""The yardstick: a C program that streams and copies without any of our code."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.table import Skipped

_SOURCE = Path(__file__).with_name("control.c")


class Control:
    """The running C program.

    Parameters
    ----------
    process : subprocess.Popen
        With its standard input and output as text.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def gib_s(self, command: str) -> float:
        """Take one measurement [GiB/s]: ``stream reno`` or ``memcpy``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise Skipped(f"the C program ended at `{command}`")
        return float(answer)


@contextmanager
def control(size_mib: int) -> Iterator[Control]:
    """Compile and run the C program; each measurement moves `size_mib` [MiB]."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise Skipped("no C compiler (cc) is installed")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "control"
        subprocess.run([compiler, "-O2", "-o", str(program), str(_SOURCE)], check=True)
        with subprocess.Popen(
            [str(program), str(size_mib)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            # The first one of each kind also waits for memory to be mapped.
            running = Control(process)
            running.gib_s("stream reno")
            yield running
            process.communicate()
