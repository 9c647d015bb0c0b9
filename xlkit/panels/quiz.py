"""Questions for a student: one guest, one link, one rule, and how it will end."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from xlkit import units
from xlkit.engine.workload import HotCold, Idle, Uniform, Workload
from xlkit.errors import InvalidValueError
from xlkit.model import Phase, Run, StopReason
from xlkit.policies import ThresholdPolicy

REASONS: Final = (StopReason.MIN_REMAINING, StopReason.MAX_ITERS)
NEAR: Final = 2.0
_MEMORIES_MIB = (64, 128, 256)
_BANDWIDTHS_MBIT_S = (200, 500, 1000)
_THRESHOLDS_PAGES = (50, 500, 2000)
_LIMITS = (2, 5, 30)
_RATES_PAGES_S = (1_000, 5_000, 20_000)
_HOT_PAGES = (200, 2_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the student is told.

    Parameters
    ----------
    memory_mib : int
        Size of the guest [MiB].
    bandwidth_mbit_s : int
        Bandwidth of the link [Mbit/s].
    workload : Workload
        How the guest writes.
    policy : ThresholdPolicy
        The rule.
    """

    memory_mib: int = 128
    bandwidth_mbit_s: int = 1000
    workload: Workload = field(default_factory=lambda: Uniform(rate_pages_s=5_000))
    policy: ThresholdPolicy = field(default_factory=ThresholdPolicy)

    def __str__(self) -> str:
        return (
            f"A guest of {self.memory_mib} MiB {_habit(self.workload)}. "
            f"The link carries {self.bandwidth_mbit_s} Mbit/s. "
            f"Precopy ends below {self.policy.min_remaining:,} dirty pages, or after {self.policy.max_iters} passes."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What the student predicts.

    Parameters
    ----------
    stop_reason : StopReason
        Which knob ends precopy.
    live_passes : int
        Passes sent while the guest runs.
    downtime_s : float
        How long the guest stands still [s].
    """

    stop_reason: StopReason
    live_passes: int
    downtime_s: float

    def __post_init__(self) -> None:
        if self.stop_reason not in REASONS:
            raise InvalidValueError(f"stop_reason must be min_remaining or max_iters, not {self.stop_reason!r}.")
        if self.live_passes < 1 or not self.downtime_s > 0:
            raise InvalidValueError("There is at least one live pass, and the guest stands still for more than 0 s.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One part of the answer.

    Parameters
    ----------
    what : str
        What was asked.
    guessed : str
        The prediction, with its unit.
    happened : str
        What the run showed, with its unit.
    right : bool
        Whether they agree; a downtime does within a factor of two, passes within one.
    """

    what: str
    guessed: str
    happened: str
    right: bool


def ask(number: int) -> Question:
    """Make up a question.

    Parameters
    ----------
    number : int
        Which one; the same number always gives the same question.

    Returns
    -------
    Question
        A guest, a link and a rule.

    Examples
    --------
    >>> ask(3) == ask(3), ask(3) == ask(4)
    (True, False)
    """
    pick = random.Random(number)  # noqa: S311 - a lesson, and no secret
    rate_pages_s = float(pick.choice(_RATES_PAGES_S))
    workloads: Sequence[Workload] = (
        Idle(),
        Uniform(rate_pages_s=rate_pages_s),
        HotCold(rate_pages_s=rate_pages_s, hot_pages=pick.choice(_HOT_PAGES)),
    )
    return Question(
        memory_mib=pick.choice(_MEMORIES_MIB),
        bandwidth_mbit_s=pick.choice(_BANDWIDTHS_MBIT_S),
        workload=pick.choices(workloads, weights=(1, 3, 4))[0],
        policy=ThresholdPolicy(min_remaining=pick.choice(_THRESHOLDS_PAGES), max_iters=pick.choice(_LIMITS)),
    )


def mark(guess: Guess, run: Run) -> list[Verdict]:
    """Hold a prediction against what happened.

    Parameters
    ----------
    guess : Guess
        The prediction.
    run : Run
        The run, completed.

    Returns
    -------
    list of Verdict
        For the rule that fired, the live passes and the downtime; what the run does not tell is left out.
    """
    live_passes = sum(one.phase is Phase.PRECOPY for one in run.iterations)
    verdicts = [
        Verdict(
            what="ended by",
            guessed=str(guess.stop_reason),
            happened=str(run.stop.stop_reason),
            right=guess.stop_reason is run.stop.stop_reason,
        ),
        Verdict(
            what="live passes",
            guessed=f"{guess.live_passes}",
            happened=f"{live_passes}",
            right=abs(guess.live_passes - live_passes) <= 1,
        ),
    ]
    if run.stop.downtime_s:
        factor = max(guess.downtime_s / run.stop.downtime_s, run.stop.downtime_s / guess.downtime_s)
        verdicts.append(
            Verdict(
                what="downtime",
                guessed=units.format_s(guess.downtime_s),
                happened=units.format_s(run.stop.downtime_s),
                right=factor <= NEAR,
            )
        )
    return verdicts


def _habit(workload: Workload) -> str:
    if isinstance(workload, HotCold):
        return (
            f"writes {workload.rate_pages_s:,.0f} times a second, each time to one page: "
            f"{workload.hot_share:.0%} of the writes go to {workload.hot_pages:,} pages, the others anywhere"
        )
    if isinstance(workload, Idle):
        return "writes nothing"
    rate_pages_s = getattr(workload, "rate_pages_s", 0.0)
    return f"writes {rate_pages_s:,.0f} times a second, each time to one page anywhere"
