"""RunStore: look-up, journals and upkeep of a folder of runs."""

import os
import re
import secrets
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import overload

from xlkit.columns import RunColumns
from xlkit.errors import StoreError, UnknownRunError
from xlkit.model import Run, RunStart
from xlkit.store._files import remove_stale
from xlkit.store._find import matching
from xlkit.store._index import Index, list_files, stamp_of
from xlkit.store._journal import SUFFIX, Journal, taken_over
from xlkit.store._parquet import SealedRun, write_runs
from xlkit.store._records import RunHead, StoreWarning, check_run_id
from xlkit.store._remarks import Remark, checked_tags, read_remarks, write_remark
from xlkit.store._search import Searcher
from xlkit.store._table import html_table

_RUNS_A_FILE = 5000


class RunStore:
    """A folder of runs: a journal for each that is open, parquet for those that are sealed.

    Several processes may write and read at once. A file that is cut off, foreign or of a newer version is passed over
    with a `StoreWarning` that names it.

    Parameters
    ----------
    path : str or pathlib.Path or None, default None
        The folder; None takes the environment variable ``XLKIT_STORE``, or ``runs`` in the current directory. It is
        created when something is first written.

    Notes
    -----
    The writer of a journal holds a lock on it, which the system lets go when the process ends in any way. Where there
    are no such locks (Windows, Pyodide), a journal that has not grown for ten minutes counts as abandoned.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     len(RunStore(folder))
    0
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = Path(path or os.environ.get("XLKIT_STORE") or "runs").expanduser().absolute()
        self._index = Index(self.path)

    @contextmanager
    def journal(self, start: RunStart, *, again: bool = False) -> Iterator[Journal]:
        """Open the record of a run, and seal it at the end of the block, however that is left.

        Parameters
        ----------
        start : RunStart
            All that is known before the first page moves; on disk when the block begins.
        again : bool, default False
            Whether a run that lost its watcher is told once more, from its first pass on. What is told replaces what
            was sealed, unless that was more.

        Yields
        ------
        Journal
            Takes the run's events.

        Raises
        ------
        StoreError
            If the journal cannot be written. One that cannot be sealed at the end stays, as a `StoreWarning` says; it
            holds the whole run, and `recover` seals it later.
        """
        journal = Journal(self.path, start, again=again)
        try:
            yield journal
        finally:
            try:
                if not (again and self._index.knows_more_than(journal.run())):
                    write_runs(self._sealed_path(start.run_id), [journal.run()])
                journal.remove()
            except StoreError as error:
                warnings.warn(
                    f"{error} The run is whole in {journal.path}; recover() seals it.", StoreWarning, stacklevel=3
                )
            finally:
                journal.close()

    def add(self, run: Run) -> None:
        """Store a run that is whole already, an imported one for example.

        Parameters
        ----------
        run : Run
            The run. One that is stored already, equal in every field, is left alone.

        Raises
        ------
        StoreError
            If it cannot be written, or another run has its id.
        """
        check_run_id(run.run_id)
        if self._index.holds(run.run_id):
            if self[run.run_id] != run:
                raise StoreError(f"Another run in {self.path} is called {run.run_id}; give this one another id.")
            return
        write_runs(self._sealed_path(run.run_id), [run])

    @overload
    def __getitem__(self, key: str | int) -> Run: ...
    @overload
    def __getitem__(self, key: slice) -> list[Run]: ...
    def __getitem__(self, key: str | int | slice) -> Run | list[Run]:
        """Look a run up.

        Parameters
        ----------
        key : str or int or slice
            A run id, the beginning of one, or a place in the order of ids: -1 (also as text) is the latest.

        Returns
        -------
        Run or list of Run
            The run; for a slice, the runs.

        Raises
        ------
        UnknownRunError
            If no run, or more than one, answers to the key.
        """
        if isinstance(key, slice):
            return [self[run_id] for run_id in self.run_ids()[key]]
        run = self._index.load(key) if isinstance(key, str) else None
        run = run or self._index.load(self._resolve(key))
        if run is None:
            raise UnknownRunError(str(key))
        return run

    def __iter__(self) -> Iterator[Run]:
        """Read every run, in the order of their ids."""
        yield from self._index.load_all(lambda _: True)

    def __len__(self) -> int:
        return len(self._index.entries())

    def __contains__(self, run_id: object) -> bool:
        return run_id in self._index.entries()

    def run_ids(self) -> list[str]:
        """List the ids of all runs, which sort by time.

        Returns
        -------
        list of str
            Sealed and open ones.
        """
        return list(self._index.entries())

    def heads(self) -> list[RunHead]:
        """List the runs without reading their iterations, which is quick for thousands.

        Returns
        -------
        list of RunHead
            In the order of their ids.
        """
        return [entry.head for entry in self._index.entries().values()]

    def find(self, **fields: object) -> list[Run]:
        """Find runs by what is known of them.

        Parameters
        ----------
        **fields : object
            Any of run_id, backend, domain, source, destination, policy (a policy or its name), origin, applied,
            started_at, status, stop_reason, runs_at, complete, n_iterations; each a value, or a callable that is given
            the value.

        Returns
        -------
        list of Run
            Those that answer to all of them, in the order of their ids.

        Raises
        ------
        InvalidValueError
            If there is no such field.
        """
        return list(self._index.load_all(matching(fields)))

    def search(self, text: str) -> list[RunHead]:
        """Search the runs by words, without reading their iterations.

        Parameters
        ----------
        text : str
            Words that must all occur, upper or lower case alike, in what is known of a run or was said of it;
            ``name:word`` asks one field: ``status:failed``, ``tag:monday``, ``policy:xen``.

        Returns
        -------
        list of RunHead
            In the order of their ids; all runs for an empty text.

        Raises
        ------
        InvalidValueError
            If there is no such field.
        """
        return Searcher(self.heads(), self.remarks()).search(text)

    def remarks(self) -> dict[str, Remark]:
        """List what was said of runs.

        Returns
        -------
        dict of str to Remark
            By the run's id; runs of which nothing was said are not in it.
        """
        return read_remarks(self.path)

    def remark(self, key: str | int, *, tags: Iterable[str] | None = None, note: str | None = None) -> Remark:
        """Say something of a run; the record itself stays as it is.

        Parameters
        ----------
        key : str or int
            The run, as for look-up.
        tags : iterable of str, optional
            Words to find it by, in place of those before; what was said before stays when not given.
        note : str, optional
            Free text, in place of that before.

        Returns
        -------
        Remark
            What is said of it now.

        Raises
        ------
        UnknownRunError
            If no run, or more than one, answers to the key.
        InvalidValueError
            If a tag is no single word.
        StoreError
            If it cannot be written.
        """
        run_id = key if key in self else self._resolve(key)
        before = self.remarks().get(str(run_id), Remark())
        now = Remark(
            tags=before.tags if tags is None else checked_tags(tags), note=before.note if note is None else note
        )
        write_remark(self.path, str(run_id), now)
        return now

    def recover(self) -> list[Run]:
        """Seal the journals whose writers are gone, and mark those without an end as incomplete.

        Returns
        -------
        list of Run
            The runs that were sealed now.

        Raises
        ------
        StoreError
            If a journal cannot be sealed; it stays as it is.
        """
        remove_stale(self.path)
        runs = []
        for file in list_files(self.path, SUFFIX):
            with taken_over(Path(file.path)) as entry:
                if entry is not None and not self._index.knows_more_than(entry.run):
                    write_runs(self._sealed_path(entry.run.run_id), [entry.run])
            if entry is not None:
                entry.remove_journal()
                runs.append(entry.run)
        return runs

    def columns(self) -> RunColumns:
        """Tell all runs as columns, which takes a hundredth of the time that it takes to read them one by one.

        Returns
        -------
        RunColumns
            What is known of each run, and the passes of all of them, in the order of ids; `frames.summary` of a store
            is made from it.

        Raises
        ------
        StoreError
            If a file cannot be read.
        """
        return self._index.columns()

    def compact(self) -> None:
        """Put all sealed runs into few files, which is quicker to list and to read than one for each.

        Raises
        ------
        StoreError
            If the new file cannot be written; nothing is lost. Killed at any moment, it leaves runs twice at worst, and
            they are read once.
        """
        remove_stale(self.path)
        sealed = [entry for entry in self._index.entries().values() if isinstance(entry, SealedRun)]
        old = self._index.covered({entry.head.run_id for entry in sealed})
        if len(old) <= max(1, -(-len(sealed) // _RUNS_A_FILE)):
            return
        for begin in range(0, len(sealed), _RUNS_A_FILE):
            part = sealed[begin : begin + _RUNS_A_FILE]
            name = f"compact-{part[0].head.run_id}-{secrets.token_hex(4)}"
            write_runs(self._sealed_path(name), self._index.load_entries(part))
        for path, stamp in old.items():
            with suppress(FileNotFoundError):
                if stamp_of(path) == stamp:
                    path.unlink()

    def __repr__(self) -> str:
        return f"RunStore({str(self.path)!r}): {len(self)} runs"

    def _repr_html_(self) -> str:
        return html_table(self.path, self.heads())

    def _ipython_key_completions_(self) -> list[str]:
        return self.run_ids()

    def _sealed_path(self, name: str) -> Path:
        return self.path / f"{name}.parquet"

    def _resolve(self, key: str | int) -> str:
        ids = self.run_ids()
        if isinstance(key, int) or re.fullmatch(r"-\d+", key):
            try:
                return ids[int(key)]
            except IndexError:
                raise UnknownRunError(str(key)) from None
        candidates = tuple(one for one in ids if key and one.startswith(key))
        if len(candidates) != 1:
            raise UnknownRunError(key, candidates)
        return candidates[0]
