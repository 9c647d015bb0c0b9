"""Which runs answer to a question, asked of what is known without reading iterations."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from xlkit.errors import InvalidValueError
from xlkit.policies import to_settings
from xlkit.store._records import RunHead

QUESTIONS: Mapping[str, Callable[[RunHead], object]] = MappingProxyType(
    {
        "run_id": lambda head: head.run_id,
        "backend": lambda head: head.start.backend,
        "domain": lambda head: head.start.migration.domain,
        "source": lambda head: head.start.migration.source,
        "destination": lambda head: head.start.migration.destination,
        "policy": lambda head: head.start.policy,
        "origin": lambda head: head.start.origin,
        "applied": lambda head: head.start.setup.applied,
        "started_at": lambda head: head.start.started_at,
        "status": lambda head: head.stop.status,
        "stop_reason": lambda head: head.stop.stop_reason,
        "runs_at": lambda head: head.stop.runs_at,
        "complete": lambda head: head.complete,
        "n_iterations": lambda head: head.n_iterations,
    }
)


def matching(questions: Mapping[str, object]) -> Callable[[RunHead], bool]:
    """Build the test that a run's head must pass: every answer equals what is wanted, or satisfies it."""
    unknown = sorted(questions.keys() - QUESTIONS.keys())
    if unknown:
        raise InvalidValueError(f"A run has no {', '.join(unknown)} to look for; it has {', '.join(QUESTIONS)}.")
    return lambda head: all(_answers(name, QUESTIONS[name](head), wanted) for name, wanted in questions.items())


def _answers(name: str, value: object, wanted: object) -> bool:
    if callable(wanted):
        return bool(wanted(value))
    if name == "policy" and isinstance(wanted, str):
        value = to_settings(value)["name"]
    return bool(value == wanted)
