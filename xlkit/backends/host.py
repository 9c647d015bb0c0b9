"""A host on which commands run as root: what the backend `xl` needs of one, and the machine that this runs on."""

import os
import select
import subprocess
from dataclasses import dataclass
from typing import Protocol

from xlkit.errors import HostError, HostUnreachableError

CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command came back with."""

    status: int
    out: str
    err: str


class Stream(Protocol):
    """A command that is still running, with its input and its output."""

    def read(self, timeout_s: float) -> bytes | None:
        """Return what has come, nothing after the time is up, None at the end.

        Raises
        ------
        HostUnreachableError
            If the connection is lost.
        """

    def write(self, data: bytes) -> None:
        """Send to the command's input.

        Raises
        ------
        HostUnreachableError
            If the connection is lost.
        """

    def close(self) -> None:
        """Close the command's input, on which it ends."""


class Host(Protocol):
    """A host on which POSIX shell scripts run as root."""

    label: str

    def run(self, script: str, *, stdin: bytes = b"", timeout_s: float = 60.0) -> Reply:
        """Run a script to its end.

        Raises
        ------
        HostUnreachableError
            If the host does not answer.
        """

    def stream(self, script: str) -> Stream:
        """Start a script and stay connected to it.

        Raises
        ------
        HostUnreachableError
            If the host does not answer.
        """

    def close(self) -> None:
        """Let go of the host."""


class LocalHost:
    """The machine that this runs on, as root or by sudo.

    Parameters
    ----------
    sudo : bool, default False
        Whether commands go through ``sudo -n``.
    environment : dict of str to str, optional
        Environment of the commands; that of this process when not given.
    """

    label = "localhost"

    def __init__(self, *, sudo: bool = False, environment: dict[str, str] | None = None) -> None:
        self._argv = [*(["sudo", "-n"] if sudo else []), "sh", "-c"]
        self._environment = environment

    def run(self, script: str, *, stdin: bytes = b"", timeout_s: float = 60.0) -> Reply:
        """Run a script to its end."""
        try:
            done = subprocess.run(  # noqa: S603 - a shell script is what a host is there to run
                [*self._argv, script],
                input=stdin,
                capture_output=True,
                timeout=timeout_s,
                env=self._environment,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise HostUnreachableError(
                f"{self.label}: a command did not end within {timeout_s} s.", host=self.label, command=script
            ) from error
        except OSError as error:
            raise HostError(f"{self.label}: {error}", host=self.label, command=script) from error
        return Reply(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    def stream(self, script: str) -> "LocalStream":
        """Start a script and stay connected to it."""
        return LocalStream(
            subprocess.Popen(  # noqa: S603 - a shell script is what a host is there to run
                [*self._argv, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=self._environment
            )
        )

    def close(self) -> None:
        """Do nothing: there is no connection."""


class LocalStream:
    """A child process with its input and its output.

    Parameters
    ----------
    process : subprocess.Popen
        The child, with pipes for both.
    """

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdin is not None  # noqa: S101
        assert process.stdout is not None  # noqa: S101
        self._process, self._stdin, self._stdout = process, process.stdin, process.stdout

    def read(self, timeout_s: float) -> bytes | None:
        """Return what has come, nothing after the time is up, None at the end."""
        if not select.select([self._stdout], [], [], timeout_s)[0]:
            return b""
        return os.read(self._stdout.fileno(), CHUNK_BYTES) or None

    def write(self, data: bytes) -> None:
        """Send to the command's input."""
        try:
            self._stdin.write(data)
        except OSError as error:
            raise HostUnreachableError(f"The follower has ended: {error}", host=LocalHost.label) from error

    def close(self) -> None:
        """Close the command's input and wait for its end."""
        with self._process:
            self._stdin.close()
