"""What the panels cost: a migration that is watched, their import, and a search among ten thousand runs."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.table import Row
from tests.records import a_run, a_stop
from xlkit.backends.local import LocalBackend
from xlkit.engine.workload import HotCold
from xlkit.model import Migration, Run
from xlkit.panels import BrowsePanel, LaunchPanel
from xlkit.policies import ThresholdPolicy
from xlkit.runner import run
from xlkit.store import RunStore, write_runs

# Fifty short passes: the set stays above the threshold.
POLICY = ThresholdPolicy(min_remaining=1, max_iters=50)
WORKLOAD = HotCold(rate_pages_s=30_000, hot_pages=2_000)
RUNS = 10_000
TEXTS = ("scripted", "0099", "status:completed 12", "policy:threshold 77")


def _backend() -> LocalBackend:
    return LocalBackend(memory="64MiB", bandwidth="1Gbit/s", workload=WORKLOAD)


def _alone_s(store: RunStore) -> float:
    with _backend() as backend:
        return _total_s(run(Migration("guest"), POLICY, backend, store=store))


def _watched_s(store: RunStore) -> float:
    with _backend() as backend:
        panel = LaunchPanel(backend=backend, store=store, min_remaining=POLICY.min_remaining, max_iters=50)
        panel.launch()
        watched = panel.wait()
        panel.close()
        return _total_s(watched)


def _total_s(done: Run) -> float:
    assert done.stop.ended_s is not None
    return done.stop.ended_s


def _costs(pairs: int) -> Sequence[float]:
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore(folder)
        return [_watched_s(store) / _alone_s(store) for _ in range(max(5, pairs // 2))]


def _first_passes_s(pairs: int) -> Sequence[float]:
    with tempfile.TemporaryDirectory() as folder:
        return [_first_pass_s(RunStore(folder)) for _ in range(max(3, pairs // 3))]


def _first_pass_s(store: RunStore) -> float:
    """Take the time from the click to the first pass in the chart, less what that pass itself takes."""
    with LaunchPanel(memory_mib=64, bandwidth_mbit_s=10_000, store=store) as panel:
        begun_s = time.perf_counter()
        panel.button.click()
        while not panel.watch.display.chart.rows:
            time.sleep(0.005)
        shown_s = time.perf_counter() - begun_s
        first = panel.wait().iterations[0]
        return shown_s - (first.ended_s - first.begun_s)


def _updates_s(pairs: int) -> Sequence[float]:
    with tempfile.TemporaryDirectory() as folder:
        return [_updates_a_second(RunStore(folder)) for _ in range(max(3, pairs // 3))]


def _updates_a_second(store: RunStore) -> float:
    """Count how often the chart was sent anew while fifty passes went out, a second."""
    drawn_s: list[float] = []
    with _backend() as backend:
        panel = LaunchPanel(backend=backend, store=store, min_remaining=POLICY.min_remaining, max_iters=50)
        panel.watch.display.chart.observe(lambda _: drawn_s.append(time.perf_counter()), "rows")
        panel.launch()
        panel.wait()
        panel.close()
    # From the first to the last: pass 0 is one update, however long it takes.
    return (len(drawn_s) - 1) / (drawn_s[-1] - drawn_s[0])


def _import_s(pairs: int) -> Sequence[float]:
    def start_s(code: str) -> float:
        begun_s = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - begun_s

    start_s("import xlkit.panels")
    return [start_s("import xlkit.panels") - start_s("") for _ in range(pairs)]


def _filters_ms(pairs: int) -> Sequence[float]:
    with tempfile.TemporaryDirectory() as folder:
        runs = (a_run(f"20261123T{at:06d}000-abcdef", stop=a_stop(downtime_s=at / RUNS)) for at in range(RUNS))
        write_runs(Path(folder) / "all.parquet", runs)
        panel = BrowsePanel(RunStore(folder))
        return [_filter_ms(panel, TEXTS[number % len(TEXTS)]) for number in range(max(4, pairs))]


def _filter_ms(panel: BrowsePanel, text: str) -> float:
    begun_s = time.perf_counter()
    panel.filter(text)
    return 1e3 * (time.perf_counter() - begun_s)


ROWS = (
    Row(name="panel_cost", what="50 passes with a panel that watches / without", at_most=1.02, measure=_costs),
    Row(name="panel_updates", what="updates of the chart while 50 passes go out [1/s]", at_least=5, measure=_updates_s),
    Row(name="panel_click", what="from click to first pass in the chart, beside the pass [s]", at_most=1,
        measure=_first_passes_s),
    Row(name="panel_import", what="`import xlkit.panels` over a bare interpreter start [s]", at_most=1.5,
        measure=_import_s),
    Row(name="panel_filter", what="search among 10,000 runs in a panel [ms]", at_most=200, measure=_filters_ms),
)  # fmt: skip
