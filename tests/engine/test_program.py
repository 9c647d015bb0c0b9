"""The guest's program: deterministic, idempotent, and all of it in memory."""

import numpy as np
import pytest

from xlkit.engine.memory import Buffer, page_view
from xlkit.engine.program import Program
from xlkit.engine.workload import HotCold, Idle, Stage, Stages, Sweep, Uniform, Workload, first_data_page, step_period_s
from xlkit.errors import EngineError, InvalidValueError
from xlkit.units import PAGE_BYTES

PAGES = 512
FIRST = first_data_page(PAGES)
DATA_PAGES = PAGES - FIRST
WORKLOADS: list[Workload] = [
    Idle(),
    Uniform(rate_pages_s=20_000),
    Sweep(rate_pages_s=3_000, working_set_pages=100),
    HotCold(rate_pages_s=50_000, hot_pages=10),
    Stages(
        stages=(
            Stage(duration_s=0.01, workload=Uniform(rate_pages_s=9_000)),
            Stage(duration_s=0.01, workload=Idle()),
            Stage(duration_s=0.01, workload=Sweep(rate_pages_s=1_000)),
        )
    ),
]
each_workload = pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)


def guest(workload: Workload, seed: int = 1, memory_pages: int = PAGES) -> tuple[bytearray, Program]:
    memory = bytearray(memory_pages * PAGE_BYTES)
    return memory, Program.install(memory, workload, seed)


def run(program: Program, steps: int) -> int:
    return sum(program.step() for _ in range(steps))


def changed_pages(before: Buffer, after: Buffer) -> set[int]:
    return set(np.flatnonzero((page_view(before) != page_view(after)).any(axis=1)).tolist())


@each_workload
def test_two_guests_of_one_seed_stay_equal(workload: Workload) -> None:
    (one, first), (other, second) = guest(workload), guest(workload)
    run(first, 100)
    run(second, 100)
    assert one == other


def test_another_seed_is_another_guest() -> None:
    assert guest(WORKLOADS[1])[0] != guest(WORKLOADS[1], seed=2)[0]


@each_workload
def test_a_copy_of_the_memory_alone_goes_on_identically(workload: Workload) -> None:
    memory, program = guest(workload)
    run(program, 70)
    copy = bytearray(memory)
    run(program, 70)
    run(Program(copy), 70)
    assert copy == memory


@each_workload
def test_a_step_writes_the_pages_it_tells_and_its_registers(workload: Workload) -> None:
    memory, program = guest(workload)
    for _ in range(100):
        before, told = bytearray(memory), set(program.written_pages(program.steps).tolist())
        program.step()
        assert changed_pages(before, memory) == told | {0}


@each_workload
def test_a_step_cut_short_can_be_taken_again(workload: Workload) -> None:
    memory, program = guest(workload)
    run(program, 50)
    half = bytearray(memory)
    program.step()
    # Everything but the registers arrived: as if the guest was stopped before it counted the step.
    half[PAGE_BYTES:] = memory[PAGE_BYTES:]
    assert Program(half).steps == 50
    Program(half).step()
    assert half == memory


@each_workload
def test_marks_tell_exactly_what_was_written(workload: Workload) -> None:
    _, program = guest(workload)
    marks, told = np.zeros(PAGES, np.uint8), {0}
    for _ in range(60):
        told |= set(program.written_pages(program.steps).tolist())
        program.step(marks)
    assert set(np.flatnonzero(marks).tolist()) == told


def test_data_then_its_marks_then_the_counter_then_its_mark() -> None:
    memory, program = guest(WORKLOADS[1])
    seen: list[bool] = []
    counted: list[int] = []

    class Marks(np.ndarray):
        def __setitem__(self, key: object, value: object) -> None:
            written = [0] if isinstance(key, int) else program.written_pages(0).tolist()
            seen.append(all(page in changed_pages(before, memory) for page in written))
            counted.append(program.steps)
            super().__setitem__(key, value)  # type: ignore[call-overload]

    before = bytearray(memory)
    program.step(np.zeros(PAGES, np.uint8).view(Marks))
    assert seen == [True, True]
    assert counted == [0, 1]


def test_fresh_pages_are_all_different_and_none_is_zero() -> None:
    memory, _ = guest(WORKLOADS[0])
    pages = {bytes(page) for page in page_view(memory)}
    assert len(pages) == PAGES
    assert bytes(PAGE_BYTES) not in pages


def test_an_idle_guest_writes_its_registers_only() -> None:
    memory, program = guest(Idle())
    before = bytearray(memory)
    assert run(program, 10) == 0
    assert changed_pages(before, memory) == {0}


@pytest.mark.parametrize("rate_pages_s", [0, 0.5, 1234.5, 60_000])
def test_the_rate_is_kept_to_one_page(rate_pages_s: float) -> None:
    workload = Uniform(rate_pages_s=rate_pages_s)
    _, program = guest(workload)
    steps = round(1 / step_period_s(workload))
    assert program.period_s == step_period_s(workload)
    assert abs(run(program, steps) - rate_pages_s) <= 1


def test_a_sweep_walks_through_its_working_set_in_order() -> None:
    _, program = guest(Sweep(rate_pages_s=1_000, working_set_pages=7))
    pages = np.concatenate([program.written_pages(step) for step in range(20)]) - FIRST
    assert pages.tolist() == [step % 7 for step in range(20)]


def test_uniform_writes_spread_over_the_whole_working_set() -> None:
    _, program = guest(Uniform(rate_pages_s=50_000, working_set_pages=40))
    writes = np.concatenate([program.written_pages(step) for step in range(2000)]) - FIRST
    counts = np.bincount(writes, minlength=40)
    assert counts.size == 40
    assert counts.min() > 0.7 * counts.mean()


@pytest.mark.parametrize("hot_share", [0.0, 0.3, 0.9, 1.0])
def test_the_hot_part_gets_its_share(hot_share: float) -> None:
    _, program = guest(HotCold(rate_pages_s=50_000, hot_pages=10, hot_share=hot_share, working_set_pages=200))
    writes = np.concatenate([program.written_pages(step) for step in range(2000)]) - FIRST
    assert writes.max() < 200
    assert (writes < 10).mean() == pytest.approx(hot_share, abs=0.02)


def test_a_working_set_that_is_all_hot_stays_within_itself() -> None:
    _, program = guest(HotCold(rate_pages_s=50_000, hot_pages=10, hot_share=0.5, working_set_pages=10))
    writes = np.concatenate([program.written_pages(step) for step in range(500)]) - FIRST
    assert set(writes.tolist()) == set(range(10))


def test_stages_follow_each_other_and_the_last_goes_on() -> None:
    workload = WORKLOADS[-1]
    _, program = guest(workload)
    each = round(0.01 / step_period_s(workload))
    writes = [run(program, each) for _ in range(4)]
    assert writes == [90, 0, 10, 10]


def test_numbers_do_not_repeat_when_the_table_is_through() -> None:
    _, program = guest(Uniform(rate_pages_s=50_000), memory_pages=64)
    table_words = (first_data_page(64) - 1) * PAGE_BYTES // 4
    writes = np.concatenate([program.written_pages(step) for step in range(table_words // 5)])
    assert (writes[:100] != writes[table_words:][:100]).any()


@pytest.mark.parametrize(
    "workload",
    [Uniform(rate_pages_s=1, working_set_pages=DATA_PAGES + 1), HotCold(rate_pages_s=1, hot_pages=DATA_PAGES + 1)],
)
def test_a_working_set_larger_than_the_guest_is_refused(workload: Workload) -> None:
    with pytest.raises(InvalidValueError, match=f"writes {DATA_PAGES + 1} pages, the guest has {DATA_PAGES}"):
        guest(workload)


def test_foreign_memory_is_no_guest() -> None:
    for size_bytes in (0, PAGE_BYTES, 64 * PAGE_BYTES):
        with pytest.raises(EngineError, match="holds no guest"):
            Program(bytearray(size_bytes))


def test_memory_that_was_cut_is_refused() -> None:
    memory, _ = guest(Idle())
    with pytest.raises(EngineError, match="has 512 pages, its memory 511"):
        Program(memory[:-PAGE_BYTES])
