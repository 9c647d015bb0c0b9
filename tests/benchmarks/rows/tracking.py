"""Reading and clearing the dirty set: how long it takes and whether it is right."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from tests.benchmarks.control import control
from tests.benchmarks.table import Row, Skipped
from xlkit.engine.memory import SharedMemory, page_view
from xlkit.engine.pagemap import WriteProtect, address_of, forbid_huge_pages
from xlkit.engine.program import Program
from xlkit.engine.runs import runs_to_pages
from xlkit.engine.trackers import KernelTracker, probe
from xlkit.engine.workload import HotCold, Sweep, Uniform, Workload
from xlkit.units import PAGE_BYTES

SIZE_BYTES = 1 << 30
DIRTY_PAGES = SIZE_BYTES // PAGE_BYTES // 100
STEPS = 200
WORKLOADS: tuple[Workload, ...] = (
    Uniform(rate_pages_s=100_000),
    HotCold(rate_pages_s=100_000, hot_pages=2_000),
    Sweep(rate_pages_s=100_000),
)


@contextmanager
def _tracked(size_bytes: int) -> Iterator[tuple[SharedMemory, KernelTracker]]:
    if probe() != KernelTracker.name:
        raise Skipped("this kernel or container cannot track writes")
    with SharedMemory.create(size_bytes) as memory:
        forbid_huge_pages(memory.map)
        memory.populate()
        armed = WriteProtect(address_of(memory.map), size_bytes)
        tracker = KernelTracker(os.getpid(), address_of(memory.map), size_bytes)
        tracker.collect()
        yield memory, tracker
        tracker.close()
        armed.close()


def _ratios(pairs: int) -> Sequence[float]:
    random, ratios = np.random.default_rng(1), []
    with control(SIZE_BYTES >> 20) as c, _tracked(SIZE_BYTES) as (memory, tracker):
        c.gib_s("memcpy")
        for _ in range(pairs):
            copy_s = 1 / c.gib_s("memcpy")
            page_view(memory.map)[random.choice(memory.memory_pages, DIRTY_PAGES, replace=False), 0] += 1
            begun_s = time.perf_counter()
            tracker.collect()
            ratios.append((time.perf_counter() - begun_s) / copy_s)
    return ratios


def _wrong_pages(pairs: int) -> Sequence[float]:
    wrong = []
    with _tracked(SIZE_BYTES // 4) as (memory, tracker):
        for number in range(max(pairs, len(WORKLOADS))):
            program = Program.install(memory.map, WORKLOADS[number % len(WORKLOADS)], seed=number)
            tracker.collect()
            written = {0}.union(*(program.written_pages(step).tolist() for step in range(STEPS)))
            for _ in range(STEPS):
                program.step()
            wrong.append(len(written.symmetric_difference(runs_to_pages(tracker.collect()).tolist())))
    return wrong


ROWS = (
    Row(name="collect", what="read and clear 1 % dirty of 1 GiB / memcpy of it", at_most=0.015, measure=_ratios),
    Row(
        name="oracle", what="pages missed or made up by the tracker, against the guest", at_most=0, measure=_wrong_pages
    ),
)
