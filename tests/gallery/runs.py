"""The runs that the gallery draws: recorded ones, and simulated ones where the recorded have none of a kind."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from xlkit.backends.sim import SimBackend
from xlkit.engine.workload import HotCold
from xlkit.forecasts import forecast
from xlkit.model import Migration, Run
from xlkit.policies import DowntimeBudgetPolicy, NoProgressPolicy, SusePolicy, ThresholdPolicy
from xlkit.protocols import Policy
from xlkit.runner import run
from xlkit.store import RunStore, read_runs

XEN = Path(__file__).parents[2] / "data" / "runs" / "xen_lab.parquet"
RULES: tuple[Policy, ...] = (
    ThresholdPolicy(), ThresholdPolicy(max_iters=30), ThresholdPolicy(min_remaining=1000, max_iters=30), SusePolicy(),
    NoProgressPolicy(), DowntimeBudgetPolicy(downtime_s=0.03),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of each kind that a view needs."""

    xen: list[Run]
    warm: list[Run]
    busy: Run
    repeated: list[Run]
    many: list[Run]
    live: Run
    foretold: Run


def recorded() -> Runs:
    """Read what lies in data/runs, and simulate the rest, always the same."""
    with _thrown_away() as store:
        warm = [_simulated(store, "warm", rule, seed=number) for number, rule in enumerate(RULES[:3])]
        busy = _simulated(store, "busy", ThresholdPolicy(max_iters=12), rate_pages_s=60_000, hot_pages=8_000)
        repeated = [_simulated(store, "warm", rule, seed=seed) for rule in RULES for seed in range(5)]
        many = [
            _simulated(store, "crowd", RULES[number % 3], seed=number, rate_pages_s=5_000 + 100 * number)
            for number in range(300)
        ]
        migration, rule = Migration("warm"), ThresholdPolicy(min_remaining=200, max_iters=20)
        expected = forecast(warm[:2], migration, rule)
        foretold = run(migration, rule, _guest(seed=11), store=store, forecast=expected)
    return Runs(read_runs(XEN), warm, busy, repeated, many, warm[0], foretold)


@contextmanager
def _thrown_away() -> Iterator[RunStore]:
    with TemporaryDirectory() as folder:
        yield RunStore(folder)


def _guest(*, seed: int = 1, rate_pages_s: float = 20_000, hot_pages: int = 4_000) -> SimBackend:
    workload = HotCold(rate_pages_s=rate_pages_s, hot_pages=hot_pages)
    return SimBackend(memory="256MiB", bandwidth="1Gbit/s", workload=workload, noise=0.1, seed=seed)


def _simulated(store: RunStore, domain: str, policy: Policy, **guest: float) -> Run:
    return run(Migration(domain), policy, _guest(**guest), store=store)  # type: ignore[arg-type] # whole numbers
