"""Write version_1.parquet as the first layout had it: one run a file, no controls, collection times or heartbeats."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

RUN_ID = "20261101T090000000-00000a"
START = {
    "run_id": RUN_ID,
    "migration": {"domain": "demo", "destination": "localhost", "source": "localhost"},
    "backend": "local",
    "policy": {"name": "threshold", "min_remaining": 50, "max_iters": 1},
    "started_at": "2026-11-01T09:00:00+00:00",
    "setup": {
        "settings": {"memory_bytes": 4096000},
        "applied": "embedded",
        "origin": "measured",
        "clock": "CLOCK_MONOTONIC",
        "memory_pages": 1000,
    },
}
STOP = {"status": "completed", "stop_reason": "max_iters", "ended_s": 1.5, "downtime_s": 0.25, "runs_at": "destination"}
ROWS = {
    "run_id": [RUN_ID, RUN_ID],
    "iteration": [0, 1],
    "phase": ["precopy", "stop_and_copy"],
    "dirty_pages": [1000, 20],
    "total_written_pages": [0, 1000],
    "sent_pages": [1000, 20],
    "sent_bytes": [4096000, 81920],
    "begun_s": [0.0, 1.25],
    "ended_s": [1.0, 1.5],
    "decision_before": ["continue", None],
    "decision_after": ["stop_and_copy", None],
}


def main() -> None:
    table = pa.table(ROWS)
    facts = {"xlkit.schema_version": "1", "xlkit.runs": json.dumps([{"start": START, "stop": STOP}])}
    pq.write_table(table.replace_schema_metadata(facts), Path(__file__).with_name("version_1.parquet"))


if __name__ == "__main__":
    main()
