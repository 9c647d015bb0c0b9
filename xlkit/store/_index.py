"""What lies in the store's folder, run by run, while others write, seal and compact there."""

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from xlkit.columns import RunColumns
from xlkit.errors import StoreError
from xlkit.model import Run
from xlkit.store._columns import read_columns
from xlkit.store._files import told
from xlkit.store._journal import SUFFIX, OpenRun, read_open
from xlkit.store._parquet import SealedRun, read_sealed
from xlkit.store._records import RunHead, StoreWarning, head_of

_TRIES = 5

T = TypeVar("T")

Entry = SealedRun | OpenRun
Stamp = tuple[int, int, int]


class Index:
    """Finds the runs of a folder; what a sealed file says is remembered until the file changes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[Stamp, tuple[SealedRun, ...]]] = {}

    def entries(self) -> dict[str, Entry]:
        """Find each run once, in the order of ids."""
        return _persistently(self._scan)

    def holds(self, run_id: str) -> bool:
        """Tell whether there is a run of this id; files that were read before are not looked at again."""
        for file in list_files(self._folder, ".parquet"):
            if file.name not in self._known:
                with suppress(FileNotFoundError):
                    self._read(file)
        known = (sealed.head.run_id for _, runs in list(self._known.values()) for sealed in runs)
        return run_id in known or (self._folder / f"{run_id}{SUFFIX}").exists()

    def knows_more_than(self, run: Run) -> bool:
        """Tell whether a sealed record of the same run has its end, or more of its passes, where this one has not."""
        sealed = [one for one in self._sealed_runs() if one.head.run_id == run.run_id]
        return any(_whole(one.head) > _whole(head_of(run)) for one in sealed)

    def load(self, run_id: str) -> Run | None:
        """Read a run; None when there is none of that name."""
        for _ in range(_TRIES):
            entry = self._quick(run_id) or self.entries().get(run_id)
            if entry is None:
                return None
            with suppress(FileNotFoundError):
                return self._run(entry, {})
        return None

    def load_all(self, wanted: Callable[[RunHead], bool]) -> Iterator[Run]:
        """Read the runs whose heads are wanted, in the order of ids."""
        return self.load_entries(entry for entry in self.entries().values() if wanted(entry.head))

    def load_entries(self, entries: Iterable[Entry]) -> Iterator[Run]:
        """Read runs; one that was moved meanwhile is looked for again."""
        groups: dict[tuple[Path, int], Any] = {}
        for entry in entries:
            try:
                yield self._run(entry, groups)
            except FileNotFoundError:
                run = self.load(entry.head.run_id)
                if run is not None:
                    yield run

    def columns(self) -> RunColumns:
        """Read all runs as columns."""
        return _persistently(self._columns)

    def covered(self, run_ids: set[str]) -> dict[Path, Stamp]:
        """List the sealed files that hold none but these runs, each as it was when it was read."""
        return {
            self._folder / name: stamp
            for name, (stamp, runs) in list(self._known.items())
            if runs and all(sealed.head.run_id in run_ids for sealed in runs)
        }

    def _columns(self) -> RunColumns:
        # Journals first, as in a scan.
        open_runs = [entry.run for entry in self._open_runs()]
        return read_columns(list_files(self._folder, ".parquet"), open_runs)

    def _scan(self) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        # Journals first: a run that is sealed meanwhile is then seen twice, not never.
        seen: list[Entry] = [*self._open_runs(), *self._sealed_runs()]
        for entry in seen:
            known = found.get(entry.head.run_id)
            if known is None or _rank(entry) > _rank(known):
                found[entry.head.run_id] = entry
        return dict(sorted(found.items()))

    def _open_runs(self) -> Iterator[OpenRun]:
        for file in list_files(self._folder, SUFFIX):
            entry = read_open(Path(file.path))
            if entry is not None:
                yield entry

    def _sealed_runs(self) -> Iterator[SealedRun]:
        files = list_files(self._folder, ".parquet")
        for name in set(self._known) - {file.name for file in files}:
            self._known.pop(name, None)
        for file in files:
            yield from self._read(file)

    def _read(self, file: "os.DirEntry[str] | Path") -> tuple[SealedRun, ...]:
        stamp = stamp_of(file)
        known = self._known.get(file.name)
        if known is None or known[0] != stamp:
            try:
                known = (stamp, tuple(read_sealed(self._folder / file.name)))
            except StoreError as error:
                warnings.warn(f"Passed over: {error}", StoreWarning, stacklevel=2)
                known = (stamp, ())
            self._known[file.name] = known
        return known[1]

    def _quick(self, run_id: str) -> SealedRun | None:
        """Look where a run of this id would be alone, without listing the folder."""
        path = self._folder / f"{run_id}.parquet"
        if os.sep in run_id or not path.exists():
            return None
        return next((sealed for sealed in self._read(path) if sealed.head.run_id == run_id), None)

    def _run(self, entry: Entry, groups: dict[tuple[Path, int], Any]) -> Run:
        if isinstance(entry, OpenRun):
            return entry.run
        if not entry.head.n_iterations:
            return entry.head.with_iterations(())
        place = (entry.path, entry.row_group)
        if place not in groups:
            groups.clear()  # neighbours share a group; more than one would only fill memory
            groups[place] = entry.read_group()
        return entry.within(groups[place])


def _persistently(look: Callable[[], T]) -> T:
    """Look again where a file was compacted or removed meanwhile; the last try may fail."""
    for _ in range(_TRIES):
        with suppress(FileNotFoundError):
            return look()
    return look()


def list_files(folder: Path, suffix: str) -> list["os.DirEntry[str]"]:
    """List the store's files of a kind by name; none when there is no folder yet."""
    try:
        with told("list", folder, may_be_gone=True), os.scandir(folder) as files:
            return sorted((one for one in files if _is_ours(one.name, suffix)), key=lambda one: one.name)
    except FileNotFoundError:
        return []


def stamp_of(file: "os.DirEntry[str] | Path") -> Stamp:
    """Tell one content of a file from another."""
    facts = file.stat()
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def _is_ours(name: str, suffix: str) -> bool:
    return name.endswith(suffix) and not name.startswith(".")


def _rank(entry: Entry) -> tuple[bool, int, bool]:
    return *_whole(entry.head), isinstance(entry, SealedRun)


def _whole(head: RunHead) -> tuple[bool, int]:
    return head.complete, head.n_iterations
