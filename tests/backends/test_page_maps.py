"""Where the set of each pass lies: the guest's equal parts, as the live engine and the simulator tell them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlkit.backends._dirtying import DirtyingLaw, ImaginedPages
from xlkit.backends.local import LocalBackend
from xlkit.backends.sim import SimBackend
from xlkit.engine.workload import HotCold, Idle, Stage, Stages, Sweep, Uniform, Workload, first_data_page
from xlkit.model import Iteration, Migration
from xlkit.policies import ThresholdPolicy
from xlkit.precopy import MAP_PARTS, borders, precopy
from xlkit.runner import run
from xlkit.store import RunStore
from xlkit.testing import ScriptedWorld
from xlkit.units import PAGE_BYTES

GUEST = Migration("guest")
MEMORY, BANDWIDTH = "64MiB", "400Mbit/s"
POLICY = ThresholdPolicy(min_remaining=1, max_iters=3)
FIRST_MUCH_THEN_LITTLE = (
    Stage(workload=Uniform(rate_pages_s=20_000, working_set_pages=900), duration_s=0.3),
    Stage(workload=Sweep(rate_pages_s=500), duration_s=9),
)
WORKLOADS: list[Workload] = [
    Idle(),
    Uniform(rate_pages_s=20_000),
    HotCold(rate_pages_s=20_000, hot_pages=600),
    Sweep(rate_pages_s=9_000, working_set_pages=4_000),
    Stages(stages=FIRST_MUCH_THEN_LITTLE),
]


def passes_of(backend: Any, policy: ThresholdPolicy = POLICY) -> list[Iteration]:
    *passes, _ = backend.migrate(GUEST, policy)
    return passes


def live_passes(workload: Workload) -> list[Iteration]:
    with LocalBackend(memory=MEMORY, bandwidth=BANDWIDTH, workload=workload) as backend:
        return passes_of(backend)


def part_of(page: int, memory_pages: int) -> int:
    return int(np.searchsorted(borders(memory_pages), page, side="right")) - 1


@given(st.integers(1, 100_000))
def test_the_parts_cover_the_guest_and_are_equal_to_a_page(memory_pages: int) -> None:
    places = borders(memory_pages)
    assert (places[0], places[-1], len(places)) == (0, memory_pages, 1 + min(memory_pages, MAP_PARTS))
    sizes = np.diff(places)
    assert 1 <= sizes.min() <= sizes.max() <= sizes.min() + 1


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda one: type(one).__name__)
def test_a_map_holds_every_page_of_its_set(workload: Workload) -> None:
    for one in passes_of(SimBackend(memory=MEMORY, bandwidth=BANDWIDTH, workload=workload)):
        sizes = np.diff(borders(64 * 2**20 // PAGE_BYTES))
        assert sum(one.map_pages) == one.dirty_pages
        assert all(0 <= pages <= size for pages, size in zip(one.map_pages, sizes, strict=True))


def test_pass_0_fills_every_part() -> None:
    first, *_ = passes_of(SimBackend(memory=MEMORY, bandwidth=BANDWIDTH))
    assert set(first.map_pages) == {64}


def test_a_sweep_is_where_it_has_come_to() -> None:
    workload = Sweep(rate_pages_s=9_000, working_set_pages=4_000)
    memory_pages = 64 * 2**20 // PAGE_BYTES
    law = DirtyingLaw(workload, memory_pages)
    steps = round(0.05 / (law.period_ns / 1e9))
    dirty = law.dirty(0, steps)
    places = [first_data_page(memory_pages), first_data_page(memory_pages) + dirty.pages - 1]
    assert dirty.below(places) == [1, dirty.pages]


def test_the_simulator_s_hot_part_is_where_the_engine_s_is() -> None:
    workload = HotCold(rate_pages_s=20_000, hot_pages=600)
    imagined = passes_of(SimBackend(memory=MEMORY, bandwidth=BANDWIDTH, workload=workload))[1].map_pages
    real = live_passes(workload)[1].map_pages
    hot_ends = part_of(first_data_page(64 * 2**20 // PAGE_BYTES) + 600, 64 * 2**20 // PAGE_BYTES) + 1
    assert sum(real[:hot_ends]) == pytest.approx(sum(imagined[:hot_ends]), rel=0.1)
    assert sum(real[hot_ends:]) == pytest.approx(sum(imagined[hot_ends:]), rel=0.25)


def test_the_engine_s_maps_add_up_and_leave_out_what_is_never_written() -> None:
    first, *others = live_passes(Uniform(rate_pages_s=20_000, working_set_pages=2_000))
    assert set(first.map_pages) == {64}
    behind = part_of(first_data_page(64 * 2**20 // PAGE_BYTES) + 2_000, 64 * 2**20 // PAGE_BYTES) + 1
    for one in others:
        assert sum(one.map_pages) == one.dirty_pages
        assert sum(one.map_pages[behind:]) == 0


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50), st.floats(0, 1)), max_size=6))
def test_imagined_pages_below_rising_borders_only_grow(gaps: list[tuple[int, int, float]]) -> None:
    stretches, at, expected = [], 0, 0.0
    for size, gap, share in gaps:
        stretches.append((at, at + size, share))
        at, expected = at + size + gap, expected + size * share
    dirty = ImaginedPages(round(expected), 1, tuple(stretches))
    counts = dirty.below(range(at + 1))
    assert counts == sorted(counts)
    assert counts[-1] == dirty.pages


def test_pages_without_a_place_have_no_map() -> None:
    world = ScriptedWorld(100, 40, 3)
    *passes, _ = precopy(world, world, ThresholdPolicy(50, 5), world.clock, clock_name="script")
    assert [one.map_pages for one in passes] == [None] * len(passes)


def test_a_run_that_is_stored_keeps_its_maps(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    recorded = run(GUEST, POLICY, SimBackend(memory=MEMORY), store=store)
    assert store[recorded.run_id].iterations == recorded.iterations
    assert all(one.map_pages for one in recorded.iterations)
