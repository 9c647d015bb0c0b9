"""Files that appear whole or not at all, and the lock that tells whether a journal's writer lives."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from xlkit.errors import StoreError

try:
    import fcntl
except ImportError:  # Windows and Pyodide have none
    fcntl = None  # type: ignore[assignment]

HAS_LOCKS = fcntl is not None

_QUIET_S = 600.0
_STALE_S = 3600.0


@contextmanager
def told(action: str, path: Path, *, may_be_gone: bool = False) -> Iterator[None]:
    """Turn an error of the system into a `StoreError` that names the file; that a file is gone may be let through."""
    try:
        yield
    except OSError as error:
        if may_be_gone and isinstance(error, FileNotFoundError):
            raise
        reason = error.strerror or str(error)
        raise StoreError(
            f"Cannot {action} {path}: {reason}. Make room or set its permissions, or name another folder (XLKIT_STORE)."
        ) from error


def make_folder(folder: Path) -> None:
    """Create the store's folder where it is missing."""
    with told("create the store's folder", folder):
        folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Lend a temporary path; what was written there takes the place of `path` at the end, and survives a power cut."""
    temporary = temporary_beside(path)
    try:
        yield temporary
        flush_to_disk(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    flush_to_disk(path.parent)


def temporary_beside(path: Path) -> Path:
    """Name a file in the same folder that no listing of the store sees."""
    return path.with_name(f".{path.stem[:60]}.{secrets.token_hex(4)}.tmp")


def flush_to_disk(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    is_folder = path.is_dir()
    if is_folder and os.name == "nt":  # Windows opens no folders
        return
    descriptor = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_stale(folder: Path) -> None:
    """Remove temporary files that a killed process left an hour ago or earlier."""
    for path in folder.glob(".*.tmp"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _STALE_S:
                path.unlink()


def try_lock(descriptor: int, *, shared: bool = False) -> bool | None:
    """Lock an open file until it is closed; False when another one has it, None where there are no locks."""
    if not HAS_LOCKS:
        return None
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return None
    return True


def is_being_written(descriptor: int, *, shared: bool = True) -> bool:
    """Tell whether a journal's writer lives, and take its lock when it does not."""
    locked = try_lock(descriptor, shared=shared)
    if locked is None:
        return time.time() - os.fstat(descriptor).st_mtime < _QUIET_S
    return not locked
