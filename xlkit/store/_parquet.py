"""The parquet layout: a row an iteration, one or many runs a file, what is known of each run beside the rows.

Units and meanings are the columns' metadata; the schema's version and the starts, controls and stops are the file's.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from itertools import islice
from pathlib import Path
from types import MappingProxyType, NoneType
from typing import Any, Final, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from xlkit.errors import StoreError
from xlkit.journal import from_data, to_data
from xlkit.model import Control, Iteration, Run, RunStart, RunStop, meaning, unit
from xlkit.store._files import make_folder, replacing, told
from xlkit.store._records import CODEC, RunHead

SCHEMA_VERSION = 3
"""Version of the layout. 1 kept one run a file, without controls, collection times and the guest's heartbeat;
2 had no page maps."""

LIMITS: Final[Mapping[str, int]] = MappingProxyType(
    {"thrift_string_size_limit": 2**31 - 1, "thrift_container_size_limit": 2**31 - 1}
)
"""What pyarrow must be told to open a file of very many runs; its own limits stop a bad file a little earlier."""

RUNS_KEY: Final = b"xlkit.runs"
_VERSION_KEY: Final = b"xlkit.schema_version"
_RUNS_A_GROUP = 64


@dataclass(frozen=True, slots=True)
class SealedRun:
    """Where the rows of a run are."""

    head: RunHead
    path: Path
    row_group: int
    first_row: int

    def load(self) -> Run:
        """Read the iterations, too."""
        return self.within(self.read_group()) if self.head.n_iterations else self.head.with_iterations(())

    def read_group(self) -> Any:
        """Read the row group that holds the run's iterations, and those of others."""
        with told("read", self.path, may_be_gone=True):
            try:
                return pq.ParquetFile(self.path, **LIMITS).read_row_group(self.row_group, use_threads=False)
            except (pa.ArrowException, IndexError) as error:
                raise StoreError(f"Cannot read {self.path}: {error}. Restore the file or move it away.") from error

    def within(self, group: Any) -> Run:
        """Take the run's rows out of its row group."""
        rows = group.slice(self.first_row, self.head.n_iterations).to_pylist()
        if [row.get("run_id") for row in rows] != [self.head.run_id] * self.head.n_iterations:
            raise StoreError(
                f"{self.path} does not hold the rows of {self.head.run_id} where it says; restore the file."
            )
        return self.head.with_iterations(tuple(from_data(Iteration, row, CODEC) for row in rows))


def schema() -> pa.Schema:
    """Build the schema of the iterations from the record's declaration.

    Returns
    -------
    pyarrow.Schema
        The run's id and the fields of `xlkit.model.Iteration`; each column's metadata tells its unit and meaning.
    """
    hints = get_type_hints(Iteration)
    columns = [pa.field("run_id", pa.string(), nullable=False, metadata={"meaning": "name of the run", "unit": ""})]
    for one in fields(Iteration):
        kind, nullable = _column_type(hints[one.name])
        metadata = {"meaning": meaning(one), "unit": unit(one)}
        columns.append(pa.field(one.name, kind, nullable=nullable, metadata=metadata))
    return pa.schema(columns)


def write_runs(path: str | Path, runs: Iterable[Run]) -> None:
    """Write runs to one parquet file, which appears whole or not at all.

    Parameters
    ----------
    path : str or pathlib.Path
        The file; one that exists is replaced.
    runs : iterable of Run
        One or many.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    target = Path(path).absolute()
    make_folder(target.parent)
    with told("write", target), replacing(target) as temporary:
        try:
            _write(temporary, iter(runs))
        except (pa.ArrowException, OverflowError) as error:
            raise StoreError(f"Cannot write {target}: a number does not fit its column ({error}).") from error


def read_runs(path: str | Path) -> list[Run]:
    """Read all runs of one parquet file.

    Parameters
    ----------
    path : str or pathlib.Path
        A file that `write_runs` or a store wrote, now or in an older version.

    Returns
    -------
    list of Run
        In the order in which they were written.

    Raises
    ------
    StoreError
        If there is no such file, it was cut off, or it is of a newer version.
    """
    try:
        return [sealed.load() for sealed in read_sealed(Path(path))]
    except FileNotFoundError as error:
        raise StoreError(f"There is no file {path}.") from error


def read_sealed(path: Path) -> list[SealedRun]:
    """Read what a file says of its runs, not their rows."""
    with told("read", path, may_be_gone=True):
        try:
            facts = pq.ParquetFile(path, **LIMITS).metadata
            return _sealed(path, facts.metadata or {}, facts.num_rows)
        except FileNotFoundError:
            raise
        except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
            raise StoreError(
                f"{path} is no whole parquet file of runs ({error}); restore it or move it away."
            ) from error


def check_version(path: Path, metadata: Mapping[bytes, bytes]) -> None:
    """Refuse a file that holds no runs, or runs in a layout of the future.

    Parameters
    ----------
    path : pathlib.Path
        The file, for the message.
    metadata : mapping of bytes to bytes
        The file's metadata.

    Raises
    ------
    StoreError
        If it is refused.
    """
    version = int(metadata.get(_VERSION_KEY, b"0"))
    if not version:
        raise StoreError(f"{path} is a parquet file, but holds no runs; move it out of the store.")
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"{path} is of version {version}, this xlkit reads up to {SCHEMA_VERSION}; update xlkit to read it."
        )


def _sealed(path: Path, metadata: Mapping[bytes, bytes], n_rows: int) -> list[SealedRun]:
    check_version(path, metadata)
    first_version = {"controls": (), "n_iterations": n_rows, "row_group": 0, "first_row": 0}
    return [_located(path, {**first_version, **entry}) for entry in json.loads(metadata[RUNS_KEY])]


def _located(path: Path, entry: Mapping[str, Any]) -> SealedRun:
    head = RunHead(
        start=from_data(RunStart, entry["start"], CODEC),
        stop=from_data(RunStop, entry["stop"], CODEC),
        controls=tuple(from_data(Control, one, CODEC) for one in entry["controls"]),
        n_iterations=int(entry["n_iterations"]),
    )
    return SealedRun(head, path, int(entry["row_group"]), int(entry["first_row"]))


def _write(path: Path, runs: Iterator[Run]) -> None:
    columns, n_groups = schema(), 0
    entries: list[dict[str, Any]] = []
    with pq.ParquetWriter(path, columns, compression="zstd") as writer:
        while part := list(islice(runs, _RUNS_A_GROUP)):
            rows: list[dict[str, Any]] = []
            for run in part:
                entries.append(_entry(run, n_groups, len(rows)))
                rows += [{"run_id": run.run_id, **to_data(one, CODEC)} for one in run.iterations]
            if rows:
                writer.write_table(pa.Table.from_pylist(rows, schema=columns), row_group_size=len(rows))
                n_groups += 1
        text = json.dumps(entries, allow_nan=False, ensure_ascii=False).encode("utf-8", "backslashreplace")
        writer.add_key_value_metadata({_VERSION_KEY: str(SCHEMA_VERSION).encode(), RUNS_KEY: text})


def _entry(run: Run, row_group: int, first_row: int) -> dict[str, Any]:
    return {
        "start": to_data(run.start, CODEC),
        "controls": to_data(run.controls, CODEC),
        "stop": to_data(run.stop, CODEC),
        "n_iterations": len(run.iterations),
        "row_group": row_group,
        "first_row": first_row,
    }


def _column_type(hint: Any) -> tuple[Any, bool]:
    options = [one for one in get_args(hint) if one is not NoneType] if NoneType in get_args(hint) else [hint]
    kind = options[0]
    if get_origin(kind) is tuple:
        return pa.list_(_column_type(get_args(kind)[0])[0]), options != [hint]
    if issubclass(kind, Enum | str):
        return pa.string(), options != [hint]
    return (pa.int64() if kind is int else pa.float64()), options != [hint]
