"""A link of a set bandwidth, emulated by sleeping."""

import time

from xlkit.errors import InvalidValueError

_CREDIT_S = 0.1
_CHUNK_S = 0.002
_SMALLEST_CHUNK_BYTES = 512
_LARGEST_CHUNK_BYTES = 4 << 20


class TokenBucket:
    """Spread bytes over time as a link of a set bandwidth would.

    A sender that lost the processor may catch up on as much as 100 ms, but only within a pass:
    an idle link saves nothing.

    Parameters
    ----------
    bytes_s : float
        Bandwidth to emulate [B/s].

    Raises
    ------
    InvalidValueError
        If it is not above zero.
    """

    def __init__(self, bytes_s: float) -> None:
        if not 0 < bytes_s < float("inf"):
            raise InvalidValueError(f"A bandwidth must be above zero, not {bytes_s!r} B/s.")
        self.bytes_s = bytes_s
        self.chunk_bytes = int(min(_LARGEST_CHUNK_BYTES, max(_SMALLEST_CHUNK_BYTES, bytes_s * _CHUNK_S)))
        self.restart()

    def restart(self) -> None:
        """Begin a pass: forget the credit of the time before."""
        self._due_s = time.perf_counter()

    def take(self, n_bytes: int) -> None:
        """Wait until the link would have carried some more bytes.

        Parameters
        ----------
        n_bytes : int
            Bytes that were just sent [byte].
        """
        now_s = time.perf_counter()
        self._due_s = max(self._due_s, now_s - _CREDIT_S) + n_bytes / self.bytes_s
        if self._due_s > now_s:
            time.sleep(self._due_s - now_s)
