"""Small records made by hand, for tests that need one and do not care which."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from xlkit.model import (
    Applied,
    Decision,
    Iteration,
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
from xlkit.protocols import Policy

SETUP = Setup(settings={}, applied=Applied.EMBEDDED, origin=Origin.SIMULATED, clock="counted", memory_pages=1000)


def a_start(run_id: str = "20261123T120000000-abcdef", **changes: Any) -> RunStart:
    known: dict[str, Any] = {
        "migration": Migration("demo"),
        "backend": "scripted",
        "policy": ThresholdPolicy(),
        "started_at": datetime(2026, 11, 23, 12, tzinfo=UTC),
        "setup": SETUP,
    }
    return RunStart(run_id=run_id, **{**known, **changes})


def a_pass(number: int, **changes: Any) -> Iteration:
    known: dict[str, Any] = {
        "phase": Phase.PRECOPY,
        "dirty_pages": 1000 >> number,
        "total_written_pages": sum(1000 >> one for one in range(number)),
        "sent_pages": 1000 >> number,
        "sent_bytes": 4096 * (1000 >> number),
        "begun_s": float(number),
        "ended_s": number + 0.75,
        "decision_before": Decision.CONTINUE,
        "decision_after": Decision.CONTINUE,
    }
    return Iteration(iteration=number, **{**known, **changes})


def a_final_pass(number: int, **changes: Any) -> Iteration:
    return a_pass(number, **{"phase": Phase.STOP_AND_COPY, "decision_before": None, "decision_after": None, **changes})


def a_stop(**changes: Any) -> RunStop:
    known: dict[str, Any] = {
        "status": Status.COMPLETED,
        "stop_reason": StopReason.MAX_ITERS,
        "ended_s": 5.0,
        "downtime_s": 0.25,
        "runs_at": Side.DESTINATION,
    }
    return RunStop(**{**known, **changes})


def a_run(
    run_id: str = "20261123T120000000-abcdef", *, passes: int = 2, stop: RunStop | None = None, **start: Any
) -> Run:
    done = (*(a_pass(number) for number in range(passes - 1)), a_final_pass(passes - 1)) if passes else ()
    return Run(start=a_start(run_id, **start), iterations=done, stop=stop or a_stop())


class ScriptedBackend:
    """Plays what its script yields: the smallest backend there is."""

    name = "scripted"

    def __init__(self, script: Callable[[Policy], Iterator[Iteration | RunStop]] | None = None) -> None:
        self.script = script or two_passes
        self.closed = False

    def preflight(self, migration: Migration) -> Setup:
        return SETUP

    def migrate(self, migration: Migration, policy: Policy) -> Iterator[Iteration | RunStop]:
        try:
            yield from self.script(policy)
        except GeneratorExit:
            self.closed = True
            raise


def two_passes(policy: Policy) -> Iterator[Iteration | RunStop]:
    yield a_pass(0)
    yield a_final_pass(1)
    yield a_stop()
