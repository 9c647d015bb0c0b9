"""What was polled from QEMU five times a second, as runs.

QEMU numbers its passes by `dirty_sync_count`, which grows each time that the set is read; a poll every 0.2 s misses
passes that are shorter. So a row of the table is a pass of which something was seen, `dirty_sync_count - 1` is its
number, and numbers that are missing were not seen. Where passes were missed, a row's time and bytes hold theirs, too.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from xlkit.model import (
    Applied,
    DowntimePart,
    Iteration,
    Knowledge,
    Migration,
    Origin,
    Phase,
    Run,
    RunStart,
    RunStop,
    Setup,
    Side,
    Status,
    StopReason,
)
from xlkit.policies import RecordedPolicy
from xlkit.units import PAGE_BYTES

DATA = Path(__file__).parents[2] / "data"
TABLES = DATA / "logs" / "qemu_thesis"
RUNS = DATA / "runs" / "qemu.parquet"

MEMORY_BYTES = 8 * 2**30
LIMIT_BYTES_S = 1082e6 / 8
LIMIT_S = 0.3
CLOCK = "QEMU at the source, polled every 0.2 s"
STOPPED = "Stop_Copy_4T"
NOT_TOLD: Mapping[str, Any] = {"decision_before": None, "decision_after": None, "sent_pages": None}
# The tables tell no dates. A run has to begin some time, and those of one scenario one after the other.
_BEGUN = datetime(2026, 1, 1, tzinfo=UTC)

Row = Mapping[str, str]


@dataclass(frozen=True)
class Seen:
    """A pass of which something was seen.

    Parameters
    ----------
    number : int
        Number of the pass, from 0.
    begun_s : float
        When it began, as closely as two polls tell [s].
    dirty_bytes : int
        What it set out to send, at least [B].
    sent_before_bytes : int
        What had gone out when it began, at least [B].
    """

    number: int
    begun_s: float
    dirty_bytes: int
    sent_before_bytes: int


def read_tables(folder: Path = TABLES) -> Iterator[Run]:
    """Read both tables.

    Parameters
    ----------
    folder : pathlib.Path
        Where ``runs.csv`` and ``iterations.csv`` are.

    Yields
    ------
    Run
        Each migration, in the order of ``runs.csv``.
    """
    with (folder / "iterations.csv").open(newline="") as file:
        passes = {key: list(rows) for key, rows in groupby(csv.DictReader(file), key=_key)}
    with (folder / "runs.csv").open(newline="") as file:
        for place, row in enumerate(csv.DictReader(file)):
            yield _run(place, row, passes[_key(row)])


def _key(row: Row) -> tuple[str, str]:
    return row["scenario"], row["run"]


def _run(place: int, row: Row, polled: Sequence[Row]) -> Run:
    scenario, repetition = _key(row)
    started_at = _BEGUN + timedelta(hours=place)
    stopped = scenario == STOPPED
    start = RunStart(
        run_id=f"{started_at:%Y%m%dT%H%M%S}000-9e{place:04x}",
        migration=Migration("postgres"),
        backend="qemu",
        policy=RecordedPolicy("qemu", {"downtime_limit_s": LIMIT_S, "guest_stopped_before": stopped}),
        started_at=started_at,
        setup=Setup(
            settings={
                "memory_bytes": MEMORY_BYTES,
                "bandwidth_bytes_s": LIMIT_BYTES_S,
                "vcpus": 4,
                "workload": scenario,
                "largest_throttle": int(row["throttle_max_pct"]) / 100,
            },
            applied=Applied.BUILT_IN,
            origin=Origin.IMPORTED,
            clock=CLOCK,
            memory_pages=MEMORY_BYTES // PAGE_BYTES,
        ),
        labels={"scenario": scenario, "repetition": repetition},
    )
    ended_s = int(row["total_time_ms"]) / 1000
    seen = _seen([one for one in polled if one["status_first"] == "active"])
    passes = (_stopped_pass(row, ended_s),) if stopped else tuple(_passes(seen, row, ended_s))
    return Run(start=start, iterations=passes, stop=_stop(row, ended_s, stopped=stopped))


def _seen(polled: Sequence[Row]) -> list[Seen]:
    """Tell when each pass began and with how much, from the polls on either side of that moment."""
    passes = [Seen(0, 0.0, MEMORY_BYTES, 0)]
    for last, now in pairwise(polled):
        # Between the two polls the rest of the pass before went out, and then the first bytes of this one.
        between = int(now["transferred_first_B"]) - int(last["transferred_last_B"])
        of_this = max(0, between - int(last["remaining_last_B"]))
        begun_s = max(float(last["t_last_s"]), float(now["t_first_s"]) - of_this / LIMIT_BYTES_S)
        passes.append(
            Seen(
                number=int(now["dirty_sync_count"]) - 1,
                begun_s=begun_s,
                dirty_bytes=int(now["remaining_first_B"]) + of_this,
                sent_before_bytes=int(now["transferred_first_B"]) - of_this,
            )
        )
    return passes


def _passes(seen: Sequence[Seen], row: Row, ended_s: float) -> Iterator[Iteration]:
    """Tell the live passes, and the final one: what QEMU says that it sent with the guest stopped, and in which time.

    The limit of the bandwidth does not hold for the final one.
    """
    final_bytes = int(row["downtime_bytes"])
    begins = [one.begun_s for one in seen]
    ends = [*begins[1:], max(begins[-1], ended_s - int(row["downtime_ms"]) / 1000)]
    totals = [one.sent_before_bytes for one in seen]
    totals.append(max(totals[-1], int(row["transferred_B"]) - final_bytes))
    written_pages = 0
    for place, one in enumerate(seen):
        dirty_pages = one.dirty_bytes // PAGE_BYTES
        yield Iteration(
            iteration=one.number, phase=Phase.PRECOPY, dirty_pages=dirty_pages, total_written_pages=written_pages,
            sent_bytes=totals[place + 1] - totals[place], begun_s=begins[place], ended_s=ends[place], **NOT_TOLD,
        )  # fmt: skip
        written_pages += dirty_pages
    # It sends the rest of the last set and what was dirtied since: how many pages that makes is not told.
    yield Iteration(
        iteration=int(row["dirty_syncs"]) - 1, phase=Phase.STOP_AND_COPY, dirty_pages=None,
        total_written_pages=written_pages, sent_bytes=final_bytes, begun_s=ends[-1], ended_s=ended_s, **NOT_TOLD,
    )  # fmt: skip


def _stopped_pass(row: Row, ended_s: float) -> Iteration:
    return Iteration(
        iteration=0, phase=Phase.STOP_AND_COPY, dirty_pages=MEMORY_BYTES // PAGE_BYTES, total_written_pages=0,
        sent_bytes=int(row["transferred_B"]), begun_s=0.0, ended_s=ended_s, **NOT_TOLD,
    )  # fmt: skip


def _stop(row: Row, ended_s: float, *, stopped: bool) -> RunStop:
    # QEMU's own figure ends when the source is done: the destination resumes later. A guest that was stopped beforehand
    # has stood still all the time, of which that figure counts only the last milliseconds.
    told_s = int(row["downtime_ms"]) / 1000
    name = "stopped before the migration" if stopped else "downtime as QEMU tells it"
    downtime_s = ended_s if stopped else told_s
    part = DowntimePart(name=name, duration_s=downtime_s, knowledge=Knowledge.AT_LEAST, clock=CLOCK)
    return RunStop(
        status=Status.COMPLETED,
        stop_reason=StopReason.OPERATOR if stopped else StopReason.DOWNTIME_BUDGET,
        ended_s=ended_s,
        downtime_s=downtime_s,
        downtime=(part,),
        runs_at=Side.DESTINATION,
        message=f"Recorded by others on QEMU/KVM, scenario {row['scenario']}; QEMU's own downtime: {told_s:g} s.",
    )
