"""What another policy would have given: Xen's own, more passes, a larger threshold."""

from collections.abc import Iterator
from itertools import product
from typing import Final

from xlkit.diagnosis._anomalies import sound
from xlkit.diagnosis._finding import Finding, Kind
from xlkit.diagnosis.story import live_passes, policy_in_force
from xlkit.model import Run, StopReason
from xlkit.policies import ThresholdPolicy
from xlkit.replays import replay, replay_data, replay_grid, replay_sentence
from xlkit.units import UINT32_MAX

_MORE_ITERS: Final = 30
_LADDER: Final = [step * 10**power for power, step in product(range(9), (1, 2, 5))]


def other_policies(run: Run) -> Iterator[Finding]:
    """Replay a run under some other policies; what the operator did is left aside."""
    if not sound(run) or not live_passes(run):
        told = "Another policy cannot be replayed: the record holds no live pass whose numbers can be calculated with."
        yield Finding(kind=Kind.OTHER_POLICY, sentence=told)
        return
    own = policy_in_force(run)
    tried = [] if own == ThresholdPolicy() else [("Xen's default", ThresholdPolicy())]
    if isinstance(own, ThresholdPolicy):
        if run.stop.stop_reason is StopReason.MAX_ITERS:
            more = min(max(_MORE_ITERS, 2 * own.max_iters), UINT32_MAX)
            tried.append(("more passes", ThresholdPolicy(own.min_remaining, more)))
        if (larger := _larger(run, own)) is not None:
            tried.append(("the least round min_remaining that ends earlier", larger))
    yield from (_finding(run, why, policy) for why, policy in tried)


def _larger(run: Run, own: ThresholdPolicy) -> ThresholdPolicy | None:
    """Find the least threshold of a ladder that ends precopy earlier."""
    ladder = [one for one in _LADDER if one > own.min_remaining]
    if not ladder:
        return None
    grid = replay_grid(run, ladder, [own.max_iters], operator=False)
    # One that ends with pass 0 is no advice: all that was dirtied during it would go out in the blackout.
    earlier = grid[grid["live_passes"].between(2, len(live_passes(run)) - 1).fillna(value=False)]
    return None if earlier.empty else ThresholdPolicy(int(earlier["min_remaining"].iloc[0]), own.max_iters)


def _finding(run: Run, why: str, policy: ThresholdPolicy) -> Finding:
    told = replay(run, policy, operator=False)
    sentence = f"{why[0].upper()}{why[1:]}: {_lower(replay_sentence(run, told))}"
    return Finding(kind=Kind.OTHER_POLICY, sentence=sentence, facts=replay_data(told))


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
