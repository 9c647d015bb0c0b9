"""What the commands' options have in common: quantities with units, addresses, runs, the store."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xlkit.errors import InvalidValueError
from xlkit.units import pages, parse_bytes, parse_bytes_s, parse_s

if TYPE_CHECKING:
    from xlkit.model import Run
    from xlkit.store import RunStore

_MAX_PORT = 65535


class Parsed(click.ParamType[Any, str]):
    """A value that one of our parsers reads; what it refuses is a usage error in its own words.

    Parameters
    ----------
    name : str
        What the value is, for the help.
    parse : callable
        Takes the text, raises `InvalidValueError` when it cannot be used.
    """

    def __init__(self, name: str, parse: Callable[[str], object]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read the text; a default that is a value already stays as it is."""
        try:
            return self._parse(value) if isinstance(value, str) else value
        except InvalidValueError as error:
            self.fail(str(error), param, ctx)


def bandwidth_bytes_s(text: str) -> float | None:
    """Read a bandwidth, or ``none`` for no limit.

    Parameters
    ----------
    text : str
        For example ``500Mbit/s``.

    Returns
    -------
    float or None
        Bandwidth [B/s], None for no limit.

    Examples
    --------
    >>> bandwidth_bytes_s("1Gbit/s")
    125000000.0
    """
    return None if text.lower() == "none" else parse_bytes_s(text)


def set_pages(text: str) -> int:
    """Read the size of a set of pages, given as memory; a bare number is refused, since it could mean either.

    Parameters
    ----------
    text : str
        For example ``64MiB``.

    Returns
    -------
    int
        Pages of 4096 B.

    Examples
    --------
    >>> set_pages("64MiB")
    16384
    """
    if text.strip().isdigit():
        raise InvalidValueError(f"Give {text} a unit, for example {text}KiB or {text}MiB.")
    return pages(parse_bytes(text))


def duration_s(text: str) -> float:
    """Read a duration; a bare number is refused, since it could mean seconds or milliseconds.

    Parameters
    ----------
    text : str
        For example ``300ms`` or ``1.5s``.

    Returns
    -------
    float
        Duration [s].

    Raises
    ------
    InvalidValueError
        If it has no unit, or is no duration.

    Examples
    --------
    >>> duration_s("300ms")
    0.3
    """
    if text.strip().replace(".", "", 1).isdigit():
        raise InvalidValueError(f"Give {text} a unit, for example {text}ms or {text}s.")
    return parse_s(text)


def address(text: str) -> tuple[str, int]:
    """Read ``HOST:PORT``; an IPv6 host stands in brackets.

    Parameters
    ----------
    text : str
        For example ``192.0.2.7:4711`` or ``[::1]:4711``.

    Returns
    -------
    tuple of str and int
        Host and port.

    Raises
    ------
    InvalidValueError
        If the text is none of both.

    Examples
    --------
    >>> address("[::1]:4711")
    ('::1', 4711)
    """
    match = re.fullmatch(r"(?:\[([^\]]+)\]|([^:\[\]]+)):(\d{1,5})", text.strip())
    if match is None or int(match[3]) > _MAX_PORT:
        raise InvalidValueError(f"Wanted HOST:PORT with a port up to {_MAX_PORT}, got {text!r}.")
    return match[1] or match[2], int(match[3])


def run_key(text: str) -> str | int:
    """Read what a run is looked up by: its id, the beginning of it, or ``-1`` for the latest.

    Parameters
    ----------
    text : str
        A key as it is typed.

    Returns
    -------
    str or int
        The key that the store takes.

    Examples
    --------
    >>> run_key("-1")
    -1
    """
    if re.fullmatch(r"-\d+", text):
        return int(text)
    if text.startswith("-"):
        raise InvalidValueError(f"There is no option {text}.")
    return text


def open_store(path: Path | None) -> "RunStore":
    """Open the store and seal what a killed process left behind, so that it shows.

    Parameters
    ----------
    path : pathlib.Path or None
        Folder of the store; None is the default one.

    Returns
    -------
    RunStore
        The store.
    """
    from xlkit.store import RunStore

    store = RunStore(path)
    store.recover()
    return store


def find_runs(path: Path | None, keys: tuple[str | int, ...]) -> "list[Run]":
    """Look runs up in the store.

    Parameters
    ----------
    path : pathlib.Path or None
        Folder of the store; None is the default one.
    keys : tuple of str or int
        Ids, beginnings of ids, or negative numbers that count from the latest.

    Returns
    -------
    list of Run
        One a key.

    Raises
    ------
    UnknownRunError
        If none or several answer to a key.
    """
    store = open_store(path)
    return [store[key] for key in keys]


MEMORY = Parsed("memory", parse_bytes)
BANDWIDTH = Parsed("bandwidth", bandwidth_bytes_s)
DURATION = Parsed("duration", duration_s)
PAGES = Parsed("memory", set_pages)
ADDRESS = Parsed("host:port", address)
RUN = Parsed("run", run_key)

STORE = click.option(
    "--store",
    "store_path",
    type=click.Path(path_type=Path),
    envvar="XLKIT_STORE",
    help="Folder of the recorded runs (or XLKIT_STORE).  [default: runs]",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output, and nothing else.")
COUNTS_BACK = {"ignore_unknown_options": True}
"""Lets -1 through as a key; `run_key` refuses what looks like an option."""
