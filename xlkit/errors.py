"""The error family: every error says what was tried, what came back and what to do next."""

from collections.abc import Mapping
from typing import Any

_SHOWN_CANDIDATES = 5


class XlkitError(Exception):
    """Base of every error that xlkit raises on purpose."""


class InvalidValueError(XlkitError, ValueError):
    """A setting that cannot be used; nothing was started."""


class ComparisonError(InvalidValueError):
    """Runs that cannot be ranked against each other.

    Parameters
    ----------
    message : str
        What stands against it, and what to do.
    differing : mapping of str to list
        The settings besides the policy in which they differ, each with its values; empty where runs are too few.
    """

    def __init__(self, message: str, *, differing: Mapping[str, list[Any]]) -> None:
        super().__init__(message)
        self.differing = dict(differing)


class PreflightError(XlkitError):
    """A migration that would fail; nothing was started and nothing was changed."""


class MigrationError(XlkitError):
    """A migration that failed after it had begun; the message says where the guest runs."""


class UndefinedOutcomeError(MigrationError):
    """A migration that failed during the hand-over: nobody can tell which host runs the guest, look at both."""


class HostError(XlkitError):
    """A command on a host failed.

    Parameters
    ----------
    message : str
        What was tried, what came back and what to do next.
    host : str
        Where.
    command : str, default ""
        What was run there.
    status : int or None, default None
        Its exit status; None where there is none.
    stderr : str, default ""
        What it wrote to its standard error.
    """

    def __init__(
        self, message: str, *, host: str, command: str = "", status: int | None = None, stderr: str = ""
    ) -> None:
        super().__init__(message)
        self.host = host
        self.command = command
        self.status = status
        self.stderr = stderr


class HostUnreachableError(HostError):
    """A host did not answer; trying again can help."""


class EngineError(MigrationError):
    """The embedded live engine lost a process, a connection or a guest."""


class LogError(XlkitError):
    """A log could not be read.

    Parameters
    ----------
    problem : str
        What is wrong, as a sentence.
    path : str
        The file.
    line_number : int or None, default None
        Number of the line, from 1; None where the file as a whole is meant.
    text : str, default ""
        The line.
    """

    def __init__(self, problem: str, *, path: str, line_number: int | None = None, text: str = "") -> None:
        place = path if line_number is None else f"{path}, line {line_number}"
        super().__init__(f"{place}: {problem}" + (f" It reads {text[:80]!r}." if text else ""))
        self.problem = problem
        self.path = path
        self.line_number = line_number
        self.text = text


class StoreError(XlkitError):
    """A run could not be written or read; the message names the file."""


class UnknownRunError(StoreError, KeyError):
    """No run, or more than one, answers to a key.

    Parameters
    ----------
    key : str
        What was looked for.
    candidates : tuple of str
        The runs that answer to it; empty when there is none.
    """

    def __init__(self, key: str, candidates: tuple[str, ...] = ()) -> None:
        if candidates:
            more = len(candidates) - _SHOWN_CANDIDATES
            shown = ", ".join(candidates[:_SHOWN_CANDIDATES]) + (f" and {more} more" if more > 0 else "")
            message = f"{key!r} fits {len(candidates)} runs: {shown}. Give more characters of the run id."
        else:
            message = f"No run answers to {key!r}. `xlkit runs` lists what the store holds."
        super().__init__(message)
        self.key = key
        self.candidates = candidates

    def __str__(self) -> str:
        return str(self.args[0])
