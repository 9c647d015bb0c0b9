"""Cut recorded runs short, replay them under their own policy, and print how often what followed lay in the range.

None of this was used to choose the bounds: the simulated guests are drawn afresh from a seed, the live engine runs now,
and the Xen runs are those of ``data/runs``.
"""

import random
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from tests.replays.scene import cut_off
from xlkit.backends.local import LocalBackend
from xlkit.backends.sim import SimBackend
from xlkit.engine.workload import HotCold, Stage, Stages, Sweep, Uniform, Workload
from xlkit.model import Migration, Phase, Run, Status
from xlkit.policies import RecordedPolicy, ThresholdPolicy
from xlkit.protocols import Backend
from xlkit.replays import Beyond, replay
from xlkit.runner import run
from xlkit.store import RunStore, read_runs

QUANTITIES = ("iteration", "precopy_s", "precopy_bytes", "final_pages")
_XEN = Path(__file__).parents[2] / "data" / "runs" / "xen_lab.parquet"
_SEED = 40_771
_KEPT = (1, 2, 3, 5)
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What followed after the cut."""

    iteration: float
    precopy_s: float
    precopy_bytes: float | None
    final_pages: float


def truth_of(whole: Run) -> Truth | None:
    """Read off how a run ended; None where it does not tell all of it."""
    live = [one for one in whole.iterations if one.phase is Phase.PRECOPY]
    final = next((one for one in whole.iterations if one.phase is Phase.STOP_AND_COPY), None)
    sent = [one.sent_bytes for one in live]
    if whole.stop.status is not Status.COMPLETED or final is None or final.dirty_pages is None:
        return None
    return Truth(
        iteration=final.iteration,
        precopy_s=live[-1].ended_s,
        precopy_bytes=None if None in sent else sum(one or 0 for one in sent),
        final_pages=final.dirty_pages,
    )


def held(beyond: Beyond, truth: Truth) -> dict[str, bool]:
    """Tell of each quantity that is known whether it lay in its range."""
    found = {}
    for name in QUANTITIES:
        (low, high), value = getattr(beyond, name), getattr(truth, name)
        if value is not None:
            found[name] = low * (1 - _ROUNDING) <= value <= (inf if high is None else high) * (1 + _ROUNDING)
    return found


def checked(runs: Iterable[Run], kept: int) -> Iterator[dict[str, bool]]:
    """Cut each run after so many passes, and compare."""
    for whole in runs:
        truth, policy = truth_of(whole), whole.start.policy
        n_live = sum(one.phase is Phase.PRECOPY for one in whole.iterations)
        if truth is None or n_live <= kept or isinstance(policy, RecordedPolicy) or whole.controls:
            continue
        tried = replay(cut_off(whole, kept), policy)
        if tried.beyond is not None:
            yield held(tried.beyond, truth)


def simulated(count: int, *, steady: bool, noise: float) -> Iterator[Run]:
    """Draw guests, links and policies, and migrate each once."""
    chance = random.Random(_SEED + steady)
    for number in range(count):
        workload = _workload(chance) if steady else Stages(stages=tuple(_stage(chance) for _ in range(3)))
        bandwidth = f"{chance.choice((250, 500, 1000, 2500))}Mbit/s"
        backend = SimBackend(memory="128MiB", bandwidth=bandwidth, workload=workload, noise=noise, seed=number)
        yield _recorded(chance, backend)


def migrated(count: int) -> Iterator[Run]:
    """Migrate real processes."""
    chance = random.Random(_SEED)
    for _ in range(count):
        bandwidth = f"{chance.choice((500, 1000, 2500))}Mbit/s"
        with LocalBackend(memory="32MiB", bandwidth=bandwidth, workload=_workload(chance)) as backend:
            yield _recorded(chance, backend)


def _recorded(chance: random.Random, backend: Backend) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        return run(Migration("guest"), _policy(chance), backend, store=RunStore(folder))


def _policy(chance: random.Random) -> ThresholdPolicy:
    return ThresholdPolicy(min_remaining=chance.choice((10, 50, 200, 1000)), max_iters=chance.randint(4, 15))


def _stage(chance: random.Random) -> Stage:
    return Stage(duration_s=chance.uniform(0.05, 1.0), workload=_workload(chance))


def _workload(chance: random.Random) -> Workload:
    rate_pages_s, pages = 10 ** chance.uniform(2.5, 4.8), round(10 ** chance.uniform(2, 3.9))
    kind = chance.randrange(3)
    if kind == 0:
        return Uniform(rate_pages_s=rate_pages_s, working_set_pages=pages)
    if kind == 1:
        return Sweep(rate_pages_s=rate_pages_s, working_set_pages=pages)
    return HotCold(rate_pages_s=rate_pages_s, hot_pages=pages, hot_share=chance.uniform(0.5, 0.99))


def _line(name: str, kept: int, found: Sequence[dict[str, bool]]) -> str:
    shares = [_share([one[quantity] for one in found if quantity in one]) for quantity in QUANTITIES]
    return f"{name:<44} {kept:>6} {len(found):>5} {''.join(shares)}{_share([all(one.values()) for one in found])}"


def _share(held: Sequence[bool]) -> str:
    return f"{100 * sum(held) / len(held):>12.0f} %" if held else f"{'unknown':>14}"


def _material() -> Iterator[tuple[str, list[Run]]]:
    yield "Xen, recorded", read_runs(_XEN)
    yield "live engine, steady guests", list(migrated(40))
    yield "simulated, steady guests", list(simulated(300, steady=True, noise=0.0))
    yield "simulated, steady guests, noise 0.2", list(simulated(300, steady=True, noise=0.2))
    yield "simulated, guests whose load changes", list(simulated(300, steady=False, noise=0.0))


def main() -> int:
    """Print the table."""
    titles = "".join(f"{quantity:>14}" for quantity in QUANTITIES)
    sys.stdout.write(f"{'share of ranges that held':<44} {'passes':>6} {'n':>5} {titles}{'all known':>14}\n")
    for name, runs in _material():
        for kept in _KEPT:
            found = list(checked(runs, kept))
            if found:
                sys.stdout.write(_line(name, kept, found) + "\n")
                sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
