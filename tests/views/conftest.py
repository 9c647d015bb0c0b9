"""Runs made by hand, whose every number is known."""

from datetime import UTC, datetime

import pytest

from xlkit.model import (
    Applied,
    Decision,
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
from xlkit.policies import ThresholdPolicy
from xlkit.units import PAGE_BYTES


def _passes(dirty, final):
    phases = [Phase.PRECOPY] * len(dirty) + [Phase.STOP_AND_COPY] * (final is not None)
    sets = [*dirty, *([] if final is None else [final])]
    for place, (pages, phase) in enumerate(zip(sets, phases, strict=True)):
        live = phase is Phase.PRECOPY
        yield Iteration(
            iteration=place if live else place - 1,
            phase=phase,
            dirty_pages=pages,
            total_written_pages=sum(one or 0 for one in sets[:place]),
            sent_pages=pages,
            sent_bytes=None if pages is None else pages * PAGE_BYTES,
            begun_s=float(place),
            ended_s=place + 0.5,
            decision_before=Decision.CONTINUE if live else None,
            decision_after=Decision.CONTINUE if live else None,
        )


@pytest.fixture
def make_run():
    """Make a run: each live set [page], the final one, and what differs from a plain run that was completed."""

    def make(
        dirty=(65536, 900, 40),
        final=25,
        *,
        run_id="20261123T150000000-aaaaaa",
        policy=None,
        settings=None,
        origin=Origin.MEASURED,
        status=Status.COMPLETED,
        downtime_s=0.0025,
        **stop,
    ):
        knowledge = stop.pop("knowledge", Knowledge.EXACT)
        setup = Setup(
            settings={"memory_bytes": 2**28, "workload": {"name": "sweep", "rate_pages_s": 10_000}, **(settings or {})},
            applied=Applied.EMBEDDED,
            origin=origin,
            clock="a clock",
            memory_pages=65536,
            versions={"xlkit": "0.1.0"},
        )
        start = RunStart(
            run_id=run_id,
            migration=Migration("web01"),
            backend="local",
            policy=policy or ThresholdPolicy(max_iters=30),
            started_at=datetime(2026, 11, 23, 15, tzinfo=UTC),
            setup=setup,
        )
        done = status is Status.COMPLETED
        end = {
            "stop_reason": StopReason.MIN_REMAINING,
            "ended_s": 3.0,
            "runs_at": Side.DESTINATION if done else Side.SOURCE,
            **stop,
        }
        part = DowntimePart(name="copy", duration_s=downtime_s, knowledge=knowledge, clock="a clock")
        stopped = RunStop(status=status, downtime_s=downtime_s, downtime=(part,), **end)
        return Run(start=start, iterations=tuple(_passes(dirty, final)), stop=stopped)

    return make


@pytest.fixture
def two_runs(make_run):
    """Make the story of two settings: the larger `min_remaining` stops earlier and pauses longer."""
    larger = ThresholdPolicy(min_remaining=1000, max_iters=30)
    return [
        make_run(),
        make_run((65536, 900), 300, run_id="20261123T150100000-bbbbbb", policy=larger, downtime_s=0.01, ended_s=2.0),
    ]
