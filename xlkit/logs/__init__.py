"""Logs of migrations that ran without us: text in, a run out.

A reader is a module with ``sniff(head) -> bool`` and ``parse(lines, *, path, policy_from) -> Run``; its errors are a
`LogError` with path and line number. A new one costs its file and a line in `READERS`.
"""

from pathlib import Path

from xlkit.errors import LogError
from xlkit.logs import events, heartbeats, xl
from xlkit.logs._origin import PolicyFrom
from xlkit.model import Run

__all__ = ["READERS", "read_log"]

READERS = (events, xl, heartbeats)
_HEAD_CHARACTERS = 1 << 16
_PAIR = (".events", ".stderr")


def read_log(path: str | Path, *, policy_from: PolicyFrom | None = None) -> Run:
    """Read the log of one migration, of whatever kind it is.

    The save helper's ``NAME.events`` and xl's text beside it, ``NAME.stderr``, are two accounts of one run: either name
    reads both.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    policy_from : callable, optional
        Turns a recorded stop rule into a policy; hand in `xlkit.policies.from_settings`. Without it the run's policy is
        None, and the rule stands in its settings.

    Returns
    -------
    Run
        An imported run. Its id follows from the content, so that a log that is read twice is one run.

    Raises
    ------
    LogError
        If no reader knows the format, or a line cannot be read.
    OSError
        If the file cannot be read.
    """
    text = "\n".join(_text(one) for one in _accounts(Path(path)))
    head = text[:_HEAD_CHARACTERS]
    for reader in READERS:
        if reader.sniff(head):
            run: Run = reader.parse(text.split("\n"), path=str(path), policy_from=policy_from)
            return run
    tried = ", ".join(reader.__name__.rpartition(".")[2] for reader in READERS)
    raise LogError(f"No reader knows it as the log of a migration; tried {tried}.", path=str(path))


def _accounts(path: Path) -> list[Path]:
    pair = [path.with_suffix(suffix) for suffix in _PAIR]
    return pair if path.suffix in _PAIR and all(one.exists() for one in pair) else [path]


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n")
