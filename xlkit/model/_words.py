"""The words a record answers in: each an enumeration whose values are stored."""

from enum import StrEnum


class Phase(StrEnum):
    """Whether the guest ran during a pass."""

    PRECOPY = "precopy"
    STOP_AND_COPY = "stop_and_copy"


class Decision(StrEnum):
    """What a policy answers."""

    CONTINUE = "continue"
    STOP_AND_COPY = "stop_and_copy"
    ABORT = "abort"


class Status(StrEnum):
    """How a run ended; `INCOMPLETE` has lost its end, `UNDEFINED` its guest's whereabouts."""

    RUNNING = "running"
    COMPLETED = "completed"
    ABORTED = "aborted"
    FAILED = "failed"
    UNDEFINED = "undefined"
    INCOMPLETE = "incomplete"


class StopReason(StrEnum):
    """Which rule ended precopy."""

    MIN_REMAINING = "min_remaining"
    MAX_ITERS = "max_iters"
    MAX_FACTOR = "max_factor"
    DOWNTIME_BUDGET = "downtime_budget"
    NO_PROGRESS = "no_progress"
    TIME_LIMIT = "time_limit"
    POLICY = "policy"
    OPERATOR = "operator"
    ABORTED = "aborted"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Origin(StrEnum):
    """Where a run's numbers come from."""

    MEASURED = "measured"
    SIMULATED = "simulated"
    IMPORTED = "imported"


class Applied(StrEnum):
    """How the policy was applied."""

    NATIVE = "native"
    HELPER = "helper"
    BUILT_IN = "built_in"
    EMBEDDED = "embedded"
    UNKNOWN = "unknown"


class Knowledge(StrEnum):
    """How well a duration is known."""

    EXACT = "exact"
    AT_MOST = "at_most"
    AT_LEAST = "at_least"
    UNKNOWN = "unknown"


class Side(StrEnum):
    """Where the guest runs."""

    SOURCE = "source"
    DESTINATION = "destination"
    UNKNOWN = "unknown"


class Action(StrEnum):
    """What an operator did to a run that was going on."""

    SET_POLICY = "set_policy"
    STOP_NOW = "stop_now"
    ABORT = "abort"
