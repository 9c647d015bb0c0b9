"""RunStore: a journal while a run is open, parquet when it is sealed; the only bridge between driving and analysing."""

from xlkit.store._journal import Journal
from xlkit.store._parquet import SCHEMA_VERSION, read_runs, schema, write_runs
from xlkit.store._records import RunHead, StoreWarning
from xlkit.store._remarks import Remark
from xlkit.store._search import Searcher
from xlkit.store._store import RunStore

__all__ = [
    "SCHEMA_VERSION",
    "Journal",
    "Remark",
    "RunHead",
    "RunStore",
    "Searcher",
    "StoreWarning",
    "read_runs",
    "schema",
    "write_runs",
]
