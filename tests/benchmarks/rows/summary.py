"""The table of a hundred thousand runs against a query over the same files that was written by hand for it."""

import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.many import many_runs
from tests.benchmarks.table import Row, Skipped
from xlkit import frames
from xlkit.store import RunStore, write_runs

RUNS = 100_000
RUNS_A_FILE = 5_000

# The facts of runs lie in each file as one JSON text, of which DuckDB is told the parts that the table needs.
_HEADS = """[{"start": {"run_id": "VARCHAR", "backend": "VARCHAR", "policy": "JSON", "started_at": "TIMESTAMPTZ",
  "migration": {"domain": "VARCHAR"}, "setup": {"origin": "VARCHAR", "memory_pages": "BIGINT"}},
  "stop": {"status": "VARCHAR", "stop_reason": "VARCHAR", "ended_s": "DOUBLE", "downtime_s": "DOUBLE",
  "runs_at": "VARCHAR", "verified": "BOOLEAN", "downtime": [{"knowledge": "VARCHAR"}]}}]"""
QUERY = """
WITH heads AS (
  SELECT unnest(from_json(decode(value), $heads)) AS head FROM parquet_kv_metadata($files)
  WHERE decode(key) = 'xlkit.runs'
), passes AS (
  SELECT run_id, count(*) AS iterations,
    max_by(dirty_pages, iteration) FILTER (phase = 'precopy') AS last_live_pages,
    max_by(dirty_pages, iteration) FILTER (phase = 'stop_and_copy') AS final_pages,
    sum(sent_pages)::BIGINT AS sent_pages, sum(sent_bytes)::BIGINT AS sent_bytes,
    sum(sent_pages) FILTER (phase = 'precopy') AS live_pages,
    sum(ended_s - begun_s) FILTER (phase = 'precopy') AS live_s
  FROM read_parquet($files) GROUP BY run_id
)
SELECT run_id, head.start.started_at, head.start.backend, head.start.setup.origin, head.start.policy,
  head.start.migration.domain, (head.start.policy->>'min_remaining')::BIGINT AS min_remaining,
  (head.start.policy->>'max_iters')::BIGINT AS max_iters, head.stop.status, head.stop.stop_reason, iterations,
  head.stop.ended_s AS total_s, head.stop.downtime_s AS downtime_s, head.stop.downtime AS parts, last_live_pages,
  final_pages, sent_pages, sent_bytes, head.start.setup.memory_pages AS memory_pages,
  sent_pages / head.start.setup.memory_pages AS amplification, live_pages / sent_pages AS precopy_share,
  live_s / head.stop.ended_s AS precopy_time_share, head.stop.downtime_s / head.stop.ended_s AS downtime_share,
  head.stop.runs_at, head.stop.verified
FROM heads JOIN passes ON passes.run_id = head.start.run_id ORDER BY run_id
"""
COMPARED = (
    "iterations", "total_s", "downtime_s", "last_live_pages", "final_pages", "sent_pages", "sent_bytes",
    "amplification", "precopy_share", "precopy_time_share", "downtime_share", "min_remaining", "max_iters",
)  # fmt: skip


def _ratios(pairs: int) -> Sequence[float]:
    try:
        import duckdb
    except ImportError as error:
        raise Skipped("needs duckdb: pip install 'xlkit[bench]'") from error
    with tempfile.TemporaryDirectory() as folder:
        runs = many_runs(RUNS)
        for number in range(RUNS // RUNS_A_FILE):
            write_runs(Path(folder) / f"compact-{number:03}.parquet", islice(runs, RUNS_A_FILE))
        connection = duckdb.connect()
        return [_ratio(connection, folder) for _ in range(max(1, pairs // 2))]


def _ratio(connection: Any, folder: str) -> float:
    begun_s = time.perf_counter()
    known = {"files": f"{folder}/*.parquet", "heads": _HEADS}
    theirs = connection.execute(QUERY, known).df()
    queried_s = time.perf_counter()
    ours = frames.summary(RunStore(folder))
    done_s = time.perf_counter()
    assert ours["run_id"].tolist() == theirs["run_id"].tolist()
    for name in COMPARED:
        np.testing.assert_allclose(ours[name].astype(float), theirs[name].astype(float), rtol=1e-12, err_msg=name)
    return (done_s - queried_s) / (queried_s - begun_s)


ROWS = (
    Row(
        name="summary",
        what=f"summary of {RUNS:,} runs in a compacted store / a query by hand in DuckDB",
        at_most=1.5,
        measure=_ratios,
    ),
)
