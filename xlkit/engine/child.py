"""Processes of the engine: started afresh, never forked, and gone when their parent is."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from xlkit.engine.channel import Message, pair
from xlkit.errors import EngineError

_PACKAGE_ROOT = str(Path(__file__).parents[2])
# A pool of threads for linear algebra would cost each process some MiB, and none of them computes any.
_QUIET = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class Child:
    """Start ``python -m MODULE`` with a channel to it.

    It has a session of its own, so that Ctrl-C in a terminal does not reach it.

    Parameters
    ----------
    module : str
        Name of the module.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self.channel, theirs = pair()
        path = os.pathsep.join(filter(None, (_PACKAGE_ROOT, os.environ.get("PYTHONPATH"))))
        with theirs:
            self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, a module of this package
                [sys.executable, "-m", module, str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                env={**os.environ, **_QUIET, "PYTHONPATH": path},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def expect(self, word: str, timeout_s: float) -> Message:
        """Wait for a word that must come next.

        Parameters
        ----------
        word : str
            The word.
        timeout_s : float
            How long to wait [s].

        Returns
        -------
        Message
            With its facts.

        Raises
        ------
        EngineError
            If something else comes, nothing does, or the process ends; ``failed`` is raised with its own message.
        """
        try:
            message = self.channel.receive(timeout_s)
        except TimeoutError as error:
            raise EngineError(f"{self._module} said nothing for {timeout_s} s, {word!r} was due.") from error
        if message is None:
            raise EngineError(f"{self._module} ended before {word!r}: {self.last_words() or 'it said nothing'}.")
        if message.word == "failed":
            raise EngineError(message.facts["why"])
        if message.word != word:
            raise EngineError(f"{self._module} said {message.word!r} where {word!r} was due.")
        return message

    def last_words(self) -> str:
        """Tell what it wrote to its standard error last, for a message.

        Returns
        -------
        str
            One line, empty when it wrote nothing.
        """
        with contextlib.suppress(OSError, ValueError):
            self._stderr.seek(0)
            lines = self._stderr.read().decode(errors="replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "")
        return ""

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send it a signal; harmless when it has ended.

        Parameters
        ----------
        number : int, default SIGKILL
            Which one.
        """
        self._process.send_signal(number)

    def end(self, timeout_s: float = 0.0) -> None:
        """Close the channel, wait for its end, and kill it if that takes too long.

        Parameters
        ----------
        timeout_s : float, default 0.0
            How long to wait before it is killed [s].
        """
        self.channel.close()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stderr.close()


def obey_parent_only() -> None:
    """Let signals of a terminal pass by; the parent's channel says when to end."""
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
