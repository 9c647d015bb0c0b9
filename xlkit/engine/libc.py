"""The C library of this process, loaded on first use: the one place where ctypes meets it."""

import ctypes
import os
from functools import cache

from xlkit.errors import EngineError


@cache
def libc() -> ctypes.CDLL:
    """Load the C library.

    Returns
    -------
    ctypes.CDLL
        Its functions; each call lets other threads run and keeps its own ``errno``.

    Raises
    ------
    EngineError
        If this platform has no C library that can be loaded so.
    """
    try:
        return ctypes.CDLL(None, use_errno=True)
    except (OSError, TypeError) as error:
        raise EngineError(f"This platform's C library cannot be loaded: {error}. Use the portable parts.") from error


def last_error(tried: str) -> OSError:
    """Make an error of what the last call left in ``errno``.

    Parameters
    ----------
    tried : str
        The call that failed.

    Returns
    -------
    OSError
        With the number and the system's text.
    """
    number = ctypes.get_errno()
    return OSError(number, f"{tried}: {os.strerror(number)}")
