"""A whole store as columns: facts and passes straight from the files, without a run as an object.

The facts of runs lie in a file as JSON. `msgspec` reads from it what is asked for and makes nothing of the rest.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from os import DirEntry
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from xlkit.columns import COUNTS, FINAL, TIMES, Column, RunColumns, columns_of, facts_of
from xlkit.errors import StoreError
from xlkit.model import Applied, Knowledge, Origin, Phase, Run, Side, Status, StopReason
from xlkit.policies import from_settings
from xlkit.store._files import told
from xlkit.store._parquet import LIMITS, RUNS_KEY, check_version, read_sealed
from xlkit.store._records import StoreWarning

_UNENDED: Final = frozenset({Status.RUNNING, Status.INCOMPLETE})


# What no table asks for stands here where a record must have it: a head that is no whole one is to be noticed.
class _Migration(msgspec.Struct, gc=False):
    domain: str


class _Setup(msgspec.Struct, gc=False):
    origin: Origin
    applied: Applied
    clock: str
    memory_pages: int | None = None


class _Start(msgspec.Struct, gc=False):
    run_id: str
    backend: str
    started_at: datetime
    migration: _Migration
    setup: _Setup
    policy: msgspec.Raw


class _Part(msgspec.Struct, gc=False):
    knowledge: Knowledge


class _Stop(msgspec.Struct, gc=False):
    status: Status
    stop_reason: StopReason
    runs_at: Side
    ended_s: float | None = None
    downtime_s: float | None = None
    verified: bool | None = None
    downtime: tuple[_Part, ...] = ()


class _Entry(msgspec.Struct, gc=False):
    start: _Start
    stop: _Stop
    n_iterations: int | None = None
    row_group: int = 0
    first_row: int = 0


_PARTS: Final = ("numbers", "known")
# Reading a file leaves the interpreter free to decode the facts of another.
_FILES_AT_ONCE: Final = 2
_DECODER: Final = msgspec.json.Decoder(list[_Entry])


@dataclass(frozen=True, slots=True)
class Told:
    """Runs of one source: their heads, and where the passes of each begin in its columns.

    Parameters
    ----------
    starts, stops : list
        Start and stop of each run, or what looks like them.
    begins : numpy.ndarray of int
        First row of each run.
    lengths : numpy.ndarray of int
        Rows of each run.
    passes : mapping of str to Column
        As in `RunColumns`.
    """

    starts: list[Any]
    stops: list[Any]
    begins: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    passes: Mapping[str, Column]


def read_columns(files: Iterable["DirEntry[str]"], open_runs: Sequence[Run]) -> RunColumns:
    """Read sealed files and what journals hold; of a run that is there twice, the more complete record counts.

    Parameters
    ----------
    files : iterable of os.DirEntry
        Sealed files. What is no whole file of runs is passed over with a `StoreWarning`.
    open_runs : sequence of Run
        Runs that have a journal.

    Returns
    -------
    RunColumns
        Each run once, in the order of ids.

    Raises
    ------
    FileNotFoundError
        If a file was compacted or removed meanwhile.
    """
    with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
        sources = [_of_runs(open_runs), *(one for one in pool.map(_of_file, files) if one is not None)]
    starts = [start for one in sources for start in one.starts]
    stops = [stop for one in sources for stop in one.stops]
    counts = [len(next(iter(one.passes.values())).numbers) for one in sources]
    lengths = np.concatenate([one.lengths for one in sources])
    begins = np.concatenate(
        [one.begins + before for one, before in zip(sources, np.cumsum([0, *counts[:-1]]), strict=True)]
    )
    chosen = _chosen(starts, stops, lengths, n_open=len(open_runs))
    joined = {
        name: Column(*(np.concatenate([getattr(one.passes[name], part) for one in sources]) for part in _PARTS))
        for name in sources[0].passes
    }
    rows = _rows(begins[chosen], lengths[chosen])
    return RunColumns(
        facts=facts_of([starts[place] for place in chosen], [stops[place] for place in chosen]),
        lengths=lengths[chosen],
        passes={name: Column(one.numbers[rows], one.known[rows]) for name, one in joined.items()},
    )


def _chosen(starts: Sequence[Any], stops: Sequence[Any], lengths: npt.NDArray[np.int64], *, n_open: int) -> list[int]:
    """Choose one record of each run, as a scan of the store does: the more complete one, sealed rather than open."""
    names = [start.run_id for start in starts]
    if len(set(names)) == len(names):
        return sorted(range(len(names)), key=names.__getitem__)
    best: dict[str, tuple[tuple[bool, int, bool], int]] = {}
    for place, (name, stop, length) in enumerate(zip(names, stops, lengths.tolist(), strict=True)):
        rank = (stop.status not in _UNENDED, length, place >= n_open)
        known = best.get(name)
        if known is None or rank > known[0]:
            best[name] = rank, place
    return [best[run_id][1] for run_id in sorted(best)]


def _rows(begins: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> Any:
    """Tell the rows of runs one after the other; a slice where they lie like that, which copies nothing."""
    if not len(begins):
        return slice(0, 0)
    if (begins[1:] == begins[:-1] + lengths[:-1]).all():
        return slice(int(begins[0]), int(begins[-1] + lengths[-1]))
    before = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) + np.repeat(begins - before, lengths)


def _of_runs(runs: Sequence[Run]) -> Told:
    columns = columns_of(runs)
    begins = np.cumsum(columns.lengths) - columns.lengths
    return Told([run.start for run in runs], [run.stop for run in runs], begins, columns.lengths, columns.passes)


def _of_file(file: "DirEntry[str]") -> Told | None:
    path = Path(file.path)
    try:
        with told("read", path, may_be_gone=True):
            return _read(path)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, IndexError, KeyError, TypeError, ValueError, StoreError) as error:
        # As for the listing of the store: what cannot be read is passed over, and said.
        try:
            read_sealed(path)
        except StoreError as problem:
            warnings.warn(f"Passed over: {problem}", StoreWarning, stacklevel=2)
            return None
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"Cannot read {path}: {error}. Restore the file or move it away.") from error


def _read(path: Path) -> Told:
    with pq.ParquetFile(path, **LIMITS) as file:
        metadata = file.metadata.metadata or {}
        check_version(path, metadata)
        starts, stops, places = _heads(path, metadata[RUNS_KEY], file.metadata.num_rows)
        groups = [file.metadata.row_group(number).num_rows for number in range(file.metadata.num_row_groups)]
        table = file.read(columns=["run_id", "phase", *COUNTS, *TIMES])
    before = np.cumsum([0, *groups])
    begins = np.array([before[group] + first for group, first, _ in places], np.int64).reshape(-1)
    lengths = np.array([length for *_, length in places], np.int64).reshape(-1)
    _check_rows(path, table["run_id"], starts, begins, lengths)
    return Told(starts, stops, begins, lengths, _passes(table))


def _heads(path: Path, text: bytes, n_rows: int) -> tuple[list[Any], list[Any], list[tuple[int, int, int]]]:
    try:
        entries = _DECODER.decode(text)
    except (msgspec.MsgspecError, UnicodeError):
        # Text with half a character in it, as from a path that is no UTF-8, is read by the standard library alone.
        sealed = read_sealed(path)
        places = [(one.row_group, one.first_row, one.head.n_iterations) for one in sealed]
        return [one.head.start for one in sealed], [one.head.stop for one in sealed], places
    policies: dict[bytes, Any] = {}
    for entry in entries:
        key = bytes(entry.start.policy)
        if key not in policies:
            settings = msgspec.json.decode(key)
            policies[key] = None if settings is None else from_settings(settings)
        entry.start.policy = policies[key]
    lengths = [n_rows if entry.n_iterations is None else entry.n_iterations for entry in entries]
    places = [(entry.row_group, entry.first_row, length) for entry, length in zip(entries, lengths, strict=True)]
    return [entry.start for entry in entries], [entry.stop for entry in entries], places


def _check_rows(
    path: Path,
    names: Any,
    starts: Sequence[Any],
    begins: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
) -> None:
    """Hold that each row is of the run that says so: a file that was put together otherwise tells nonsense."""
    wanted = pa.array([start.run_id for start in starts], pa.string()).take(np.repeat(np.arange(len(starts)), lengths))
    rows = _rows(begins, lengths)
    there = names[rows] if isinstance(rows, slice) else names.take(rows)
    if len(there) < len(wanted) or pc.any(pc.not_equal(there, wanted)).as_py():
        raise StoreError(f"{path} does not hold the rows of its runs where it says; restore the file.")


def _passes(table: Any) -> dict[str, Column]:
    numbers = {name: _column(table[name]) for name in (*COUNTS, *TIMES)}
    final = pc.equal(table["phase"], Phase.STOP_AND_COPY.value).to_numpy(zero_copy_only=False).astype(bool)
    return {**numbers, FINAL: Column(final, np.ones(len(final), bool))}


def _column(column: Any) -> Column:
    known = column.is_valid().to_numpy(zero_copy_only=False).astype(bool)
    filled = column.fill_null(0) if column.null_count else column
    return Column(filled.to_numpy(zero_copy_only=False), known)
