"""Page size, the way from text to quantities, and the one formatter for bytes, seconds and rates."""

import re

from xlkit.errors import InvalidValueError

PAGE_BYTES = 4096
UINT32_MAX = 2**32 - 1

_BINARY_STEP = 1024
_MILLISECOND_S = 1e-3

_QUANTITY = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([A-Za-z]*(?:/s)?)\s*")
_BYTE_UNITS = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_BIT_RATES = {"bit/s": 1, "kbit/s": 10**3, "Mbit/s": 10**6, "Gbit/s": 10**9}
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0, "h": 3600.0}
_BYTE_RATES = {"B/s": 1, "KiB/s": 2**10, "MiB/s": 2**20, "GiB/s": 2**30}


def parse_bytes(text: str | int) -> int:
    """Read an amount of memory.

    Parameters
    ----------
    text : str or int
        A number with a binary unit (``256MiB``, ``1 GiB``), or plain bytes.

    Returns
    -------
    int
        Bytes.

    Raises
    ------
    InvalidValueError
        If the text is no number with one of the known units.

    Examples
    --------
    >>> parse_bytes("256MiB")
    268435456
    """
    return round(_parse(text, _BYTE_UNITS, "an amount of memory such as 256MiB"))


def parse_bytes_s(text: str | float) -> float:
    """Read a bandwidth.

    Parameters
    ----------
    text : str or float
        Bits a second with a decimal prefix (``500Mbit/s``, ``1Gbit/s``), bytes a second with a binary one
        (``100MiB/s``), or a plain number of bytes a second.

    Returns
    -------
    float
        Bytes a second.

    Raises
    ------
    InvalidValueError
        If the text is no number with one of the known units, or not above zero.

    Examples
    --------
    >>> parse_bytes_s("1Gbit/s")
    125000000.0
    """
    units = {unit: factor / 8 for unit, factor in _BIT_RATES.items()} | {"": 1.0} | _BYTE_RATES
    rate = float(_parse(text, units, "a bandwidth such as 500Mbit/s or 100MiB/s"))
    if not 0 < rate < float("inf"):
        raise InvalidValueError(f"A bandwidth must be above zero, not {text!r}.")
    return rate


def parse_s(text: str | float) -> float:
    """Read a duration.

    Parameters
    ----------
    text : str or float
        A number with a unit (``300ms``, ``1.5 s``, ``2min``), or a plain number of seconds.

    Returns
    -------
    float
        Seconds.

    Raises
    ------
    InvalidValueError
        If the text is no number with one of the known units.

    Examples
    --------
    >>> parse_s("300ms")
    0.3
    """
    return _parse(text, {"": 1.0} | _SECONDS, "a duration such as 300ms or 1.5s")


def pages(n_bytes: int) -> int:
    """Count the pages that hold so many bytes.

    Parameters
    ----------
    n_bytes : int
        Bytes.

    Returns
    -------
    int
        Pages of 4096 B, the last one perhaps not full.

    Examples
    --------
    >>> pages(8193)
    3
    """
    return -(-n_bytes // PAGE_BYTES)


def format_bytes(n_bytes: float | None) -> str:
    """Write bytes for a reader, with a binary prefix.

    Parameters
    ----------
    n_bytes : float or None
        Bytes; None is not known.

    Returns
    -------
    str
        For example ``1.5 MiB``.

    Examples
    --------
    >>> format_bytes(1572864)
    '1.5 MiB'
    """
    if n_bytes is None:
        return "unknown"
    size, units = float(n_bytes), ["B", "KiB", "MiB", "GiB", "TiB"]
    while abs(size) >= _BINARY_STEP and len(units) > 1:
        size, units = size / _BINARY_STEP, units[1:]
    return f"{size:.4g} {units[0]}"


def format_s(seconds: float | None) -> str:
    """Write a duration for a reader.

    Parameters
    ----------
    seconds : float or None
        Seconds; None is not known.

    Returns
    -------
    str
        For example ``2.4 ms``.

    Examples
    --------
    >>> format_s(0.0024)
    '2.4 ms'
    """
    if seconds is None:
        return "unknown"
    if abs(seconds) >= 1 or seconds == 0:
        return f"{seconds:.4g} s"
    return f"{seconds * 1e3:.3g} ms" if abs(seconds) >= _MILLISECOND_S else f"{seconds * 1e6:.3g} us"


def format_bytes_s(rate_bytes_s: float | None) -> str:
    """Write a rate for a reader.

    Parameters
    ----------
    rate_bytes_s : float or None
        Bytes a second; None is no limit or not known.

    Returns
    -------
    str
        For example ``119 MiB/s``.

    Examples
    --------
    >>> format_bytes_s(125e6)
    '119.2 MiB/s'
    """
    return "unknown" if rate_bytes_s is None else f"{format_bytes(rate_bytes_s)}/s"


def whole_number(name: str, value: object, *, largest: int = UINT32_MAX) -> int:
    """Check a count that a host will read as an unsigned 32-bit number.

    Parameters
    ----------
    name : str
        What the number is, for the message.
    value : object
        What was given: an integer, of Python's or of an array library's.
    largest : int, default 4294967295
        The largest number that is taken.

    Returns
    -------
    int
        The same number.

    Raises
    ------
    InvalidValueError
        If it is text, a fraction, negative or too large. ``atoi`` in the C code takes all four silently.

    Examples
    --------
    >>> whole_number("max_iters", 5)
    5
    """
    index = getattr(value, "__index__", None)
    if index is None or isinstance(value, bool):
        raise InvalidValueError(f"{name} must be a whole number, not {value!r} ({type(value).__name__}).")
    number = int(index())
    if not 0 <= number <= largest:
        raise InvalidValueError(f"{name} must lie between 0 and {largest}, not {number}.")
    return number


def _parse(text: str | float, units: dict[str, float] | dict[str, int], wanted: str) -> float:
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise InvalidValueError(f"Wanted {wanted}, got {text!r}.")
    if not isinstance(text, str):
        if not 0 <= text < float("inf"):
            raise InvalidValueError(f"Wanted {wanted}, got {text!r}.")
        return text
    match = _QUANTITY.fullmatch(text)
    known = {unit.lower(): factor for unit, factor in units.items()}
    if match is None or match[2].lower() not in known:
        raise InvalidValueError(f"Wanted {wanted}, got {text!r}. Units: {', '.join(unit for unit in units if unit)}.")
    return float(match[1]) * known[match[2].lower()]
