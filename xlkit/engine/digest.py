"""Is the memory at the destination the memory of the source? One number for all of it."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

from xlkit.engine.memory import Buffer
from xlkit.engine.program import Program

_PART_BYTES = 16 << 20


def memory_digest(memory: Buffer) -> str:
    """Boil memory down to one number.

    Parameters
    ----------
    memory : mmap.mmap, bytearray or memoryview
        Memory that nobody writes meanwhile.

    Returns
    -------
    str
        SHA-256 of the SHA-256 of every 16 MiB, in hexadecimal; the parts are taken on all processors at once.

    Examples
    --------
    >>> memory_digest(bytearray(4096)) == memory_digest(bytearray(8192))
    False
    """
    with memoryview(memory) as view, ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = pool.map(
            lambda begin: hashlib.sha256(view[begin : begin + _PART_BYTES]).digest(), range(0, len(view), _PART_BYTES)
        )
        return hashlib.sha256(b"".join(parts)).hexdigest()


def replay(memory: Buffer, steps: int) -> None:
    """Take steps of the guest's program on a frozen image of its memory.

    A guest that went on at its destination for so many steps must have the same memory afterwards.

    Parameters
    ----------
    memory : mmap.mmap, bytearray or memoryview
        The image; it is changed.
    steps : int
        How many steps to take.

    Raises
    ------
    EngineError
        If the memory holds no guest.
    """
    program = Program(memory)
    for _ in range(steps):
        program.step()
