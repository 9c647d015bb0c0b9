"""The journal of a run that is open: one line an event, on disk before the next page moves."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from xlkit.errors import StoreError
from xlkit.journal import from_line, to_line
from xlkit.model import Event, Run, RunStart, Status
from xlkit.store._files import (
    HAS_LOCKS,
    flush_to_disk,
    is_being_written,
    make_folder,
    temporary_beside,
    told,
    try_lock,
)
from xlkit.store._records import CODEC, RunHead, StoreWarning, check_run_id, head_of, run_of

SUFFIX = ".jsonl"

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)


class Journal:
    """The open record of a run: an event is in the hands of the system before `append` returns.

    A process that is killed loses nothing that was appended. The start is also waited for on the disk itself, so that
    it survives a power cut; later lines are not, as that wait would be part of the migration. `RunStore.journal` opens
    a journal.

    Parameters
    ----------
    folder : pathlib.Path
        The store's folder; created where it is missing.
    start : RunStart
        The first event.
    again : bool, default False
        Whether the run is told once more from its start; it may then be sealed already.

    Raises
    ------
    StoreError
        If the folder or the file cannot be written, or there is such a run already; nothing is left behind.
    """

    def __init__(self, folder: Path, start: RunStart, *, again: bool = False) -> None:
        self.path = folder / (check_run_id(start.run_id) + SUFFIX)
        self._events: list[Event] = []
        self._length_bytes = 0
        make_folder(folder)
        if self.path.exists() or (self.path.with_suffix(".parquet").exists() and not again):
            raise StoreError(f"There is a run {start.run_id} in {folder} already; give the new one another id.")
        # Nobody else may see the file before it is locked and has its start, or they would take its writer for dead.
        temporary = temporary_beside(self.path) if HAS_LOCKS else self.path
        with told("write", self.path):
            self._descriptor = os.open(temporary, _FLAGS, 0o666)
        try:
            try_lock(self._descriptor)
            self.append(start)
            with told("write", self.path):
                os.fsync(self._descriptor)
                temporary.rename(self.path)
                flush_to_disk(folder)
        except BaseException:
            self.close()
            temporary.unlink(missing_ok=True)
            raise

    def append(self, event: Event) -> None:
        """Write an event down.

        Parameters
        ----------
        event : RunStart, Iteration, Control or RunStop
            What happened.

        Raises
        ------
        StoreError
            If it cannot be written; the journal keeps what it had, and takes the next event if there is room again. An
            event that found no room is still sealed, should there be room for that.
        """
        try:
            # What is no UTF-8 in a path becomes an escape of JSON's own, and comes back as it was.
            line = to_line(event, CODEC).encode("utf-8", "backslashreplace") + b"\n"
        except (TypeError, ValueError) as error:
            raise StoreError(
                f"Cannot write {self.path}: {type(event).__name__} holds what JSON cannot ({error})."
            ) from error
        self._events.append(event)
        with told("write", self.path):
            self._write(line)

    def run(self) -> Run:
        """Put together what was appended so far.

        Returns
        -------
        Run
            The run; marked incomplete when no stop was appended.
        """
        return run_of(self._events, end=Status.INCOMPLETE)

    def remove(self) -> None:
        """Close the journal and remove it, once the run is sealed."""
        self.close()
        with suppress(OSError):  # left behind it is read once, and recover() tries again
            self.path.unlink()

    def close(self) -> None:
        """Let the file go; whoever comes next finds its writer gone."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _write(self, line: bytes) -> None:
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            # Half a line would swallow the next one; cutting it off needs no room.
            os.ftruncate(self._descriptor, self._length_bytes)
            raise
        self._length_bytes += len(line)


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that is still in its journal: running, or abandoned and not yet recovered."""

    run: Run
    path: Path
    damaged: bool

    @property
    def head(self) -> RunHead:
        """What a listing needs."""
        return head_of(self.run)

    def remove_journal(self) -> None:
        """Remove the journal once its run is sealed; one with unreadable lines is kept under another name."""
        with suppress(OSError):  # left behind it is read once, and recover() tries again
            self.path.replace(self.path.with_suffix(".damaged")) if self.damaged else self.path.unlink()


def read_open(path: Path) -> OpenRun | None:
    """Read a journal and see whether its writer lives; None when it is gone or holds no run."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        status = Status.RUNNING if is_being_written(descriptor) else Status.INCOMPLETE
        return _read(path, descriptor, status)
    finally:
        os.close(descriptor)


@contextmanager
def taken_over(path: Path) -> Iterator[OpenRun | None]:
    """Lend the run of a journal whose writer is gone, and keep others from it; None when nothing is to do."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield None
        return
    try:
        free = not is_being_written(descriptor, shared=False) and os.fstat(descriptor).st_nlink > 0
        yield _read(path, descriptor, Status.INCOMPLETE) if free else None
    finally:
        os.close(descriptor)


def _read(path: Path, descriptor: int, end: Status) -> OpenRun | None:
    """Read the events; a last line that was cut off never happened, other bad lines are warned about."""
    with open(descriptor, "rb", closefd=False) as file:
        lines = file.read().split(b"\n")[:-1]
    events: list[Event] = []
    for number, line in enumerate(lines, start=1):
        try:
            events.append(from_line(line.decode(), CODEC))
        except (StoreError, UnicodeDecodeError) as error:
            _warn(path, f"line {number} is passed over: {error}")
    if not events or not isinstance(events[0], RunStart):
        _warn(path, "it does not begin with the start of a run and is passed over.")
        return None
    return OpenRun(run_of(events, end=end), path, damaged=len(events) < len(lines))


def _warn(path: Path, what: str) -> None:
    warnings.warn(f"{path}: {what}", StoreWarning, stacklevel=2)
