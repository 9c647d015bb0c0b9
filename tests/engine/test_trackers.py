"""The trackers against a deterministic guest as oracle: nothing missed, nothing made up."""

import mmap
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from xlkit.engine import pagemap, trackers
from xlkit.engine.memory import SharedMemory
from xlkit.engine.pagemap import PagemapScanner, WriteProtect, address_of, forbid_huge_pages
from xlkit.engine.program import Program
from xlkit.engine.runs import runs_to_pages
from xlkit.engine.trackers import KernelTracker, MarksTracker, Tracker, probe
from xlkit.engine.workload import HotCold, Idle, Sweep, Uniform, Workload
from xlkit.errors import EngineError, InvalidValueError
from xlkit.units import PAGE_BYTES

PAGES = 2048
WORKLOADS: list[Workload] = [
    Idle(),
    Uniform(rate_pages_s=30_000),
    Sweep(rate_pages_s=20_000),
    HotCold(rate_pages_s=50_000, hot_pages=50),
]
kernel = pytest.mark.skipif(probe() != "wp_async", reason="This kernel or container cannot track writes.")
each_workload = pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)

# A guest of its own: arms its memory, then takes as many steps as each line says.
GUEST = """
import mmap, os, sys
from xlkit.engine.pagemap import WriteProtect, address_of, forbid_huge_pages
from xlkit.engine.program import Program
memory = mmap.mmap(int(sys.argv[1]), 0)
forbid_huge_pages(memory)
armed = WriteProtect(address_of(memory), len(memory))
program = Program(memory)
print(address_of(memory), flush=True)
for line in sys.stdin:
    for _ in range(int(line)):
        program.step()
    print(program.steps, flush=True)
"""


@contextmanager
def kernel_guest(workload: Workload) -> Iterator[tuple[Program, Tracker]]:
    with SharedMemory.create(PAGES * PAGE_BYTES) as memory:
        program = Program.install(memory.map, workload, seed=1)
        forbid_huge_pages(memory.map)
        armed = WriteProtect(address_of(memory.map), memory.size_bytes)
        tracker = KernelTracker(os.getpid(), address_of(memory.map), memory.size_bytes)
        yield program, tracker
        tracker.close()
        armed.close()


def collected(tracker: Tracker) -> set[int]:
    return set(runs_to_pages(tracker.collect()).tolist())


def take_steps(program: Program, steps: int, take: Callable[[], object]) -> set[int]:
    written = {0} if steps else set()
    for _ in range(steps):
        written |= set(program.written_pages(program.steps).tolist())
        take()
    return written


@kernel
@each_workload
def test_the_kernel_tells_exactly_what_was_written(workload: Workload) -> None:
    with kernel_guest(workload) as (program, tracker):
        tracker.collect()
        for steps in (1, 50, 0, 7, 300):
            assert take_steps(program, steps, program.step) == collected(tracker)


@each_workload
def test_marks_tell_exactly_what_was_written(workload: Workload) -> None:
    program = Program.install(bytearray(PAGES * PAGE_BYTES), workload, seed=1)
    marks = bytearray(PAGE_BYTES)
    tracker, map_of_marks = MarksTracker(marks, PAGES), np.frombuffer(marks, np.uint8)[:PAGES]
    for steps in (1, 50, 0, 7, 300):
        assert take_steps(program, steps, lambda: program.step(map_of_marks)) == collected(tracker)


@kernel
def test_the_kernel_tells_it_to_another_process() -> None:
    with SharedMemory.create(PAGES * PAGE_BYTES) as memory:
        oracle = Program.install(bytearray(memory.size_bytes), WORKLOADS[1], seed=1)
        Program.install(memory.map, WORKLOADS[1], seed=1)
        command = [sys.executable, "-c", GUEST, str(memory.fd)]
        with subprocess.Popen(
            command, pass_fds=[memory.fd], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as guest:
            assert guest.stdin is not None
            assert guest.stdout is not None
            tracker = KernelTracker(guest.pid, int(guest.stdout.readline()), memory.size_bytes)
            tracker.collect()
            for steps in (10, 200, 1):
                print(steps, file=guest.stdin, flush=True)
                guest.stdout.readline()
                assert take_steps(oracle, steps, oracle.step) == collected(tracker)
            guest.stdin.close()
            guest.wait()
            with pytest.raises(EngineError, match="Reading the written pages of the guest failed"):
                tracker.collect()
            tracker.close()


@kernel
def test_the_first_collect_gives_every_page() -> None:
    with kernel_guest(Idle()) as (_, tracker):
        assert collected(tracker) == set(range(PAGES))


@kernel
def test_pages_never_touched_are_tracked_too() -> None:
    with mmap.mmap(-1, 64 * PAGE_BYTES, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        forbid_huge_pages(memory)
        armed = WriteProtect(address_of(memory), len(memory))
        scanner = PagemapScanner(os.getpid(), address_of(memory), len(memory))
        scanner.collect()
        memory[5 * PAGE_BYTES] = 1
        assert scanner.collect().tolist() == [[5, 6]]
        scanner.close()
        armed.close()


@kernel
def test_a_set_larger_than_the_table_of_regions_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pagemap, "_MAX_REGIONS", 4)
    with kernel_guest(Uniform(rate_pages_s=30_000)) as (program, tracker):
        tracker.collect()
        assert take_steps(program, 200, program.step) == collected(tracker)


@kernel
def test_one_write_into_huge_pages_tells_one_page() -> None:
    huge_bytes = 8 << 20
    with mmap.mmap(-1, huge_bytes, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        forbid_huge_pages(memory)
        memory[::PAGE_BYTES] = b"\1" * (huge_bytes // PAGE_BYTES)
        armed = WriteProtect(address_of(memory), huge_bytes)
        scanner = PagemapScanner(os.getpid(), address_of(memory), huge_bytes)
        scanner.collect()
        memory[700 * PAGE_BYTES] = 2
        assert scanner.collect().tolist() == [[700, 701]]
        scanner.close()
        armed.close()


@kernel
def test_the_guest_asks_for_small_pages() -> None:
    with mmap.mmap(-1, 4 << 20) as memory:
        forbid_huge_pages(memory)
        mapping = Path("/proc/self/smaps").read_text(encoding="utf-8").split(f"{address_of(memory):x}-")[1]
        flags = mapping.split("VmFlags:")[1].splitlines()[0]
        assert "nh" in flags.split()


@kernel
def test_memory_that_is_not_armed_is_an_error() -> None:
    with mmap.mmap(-1, 16 * PAGE_BYTES) as memory:
        scanner = PagemapScanner(os.getpid(), address_of(memory), len(memory))
        with pytest.raises(EngineError, match="Reading the written pages"):
            scanner.collect()
        scanner.close()


def test_a_process_that_is_gone_cannot_be_tracked() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    with pytest.raises(EngineError, match=f"page tables of process {process.pid} cannot be read"):
        KernelTracker(process.pid, 0, PAGE_BYTES)


def test_marks_set_while_they_are_read_are_never_lost() -> None:
    """A guest marks on while the migrator collects: every page is told at or after its last mark."""
    marks = np.zeros(1 << 16, np.uint8)
    tracker, told, done = MarksTracker(marks.data), np.zeros(marks.size, bool), threading.Event()

    def mark() -> None:
        for page in range(0, marks.size, 64):
            marks[page : page + 64] = 1
        done.set()

    guest = threading.Thread(target=mark)
    guest.start()
    while not done.is_set():
        told[runs_to_pages(tracker.collect())] = True
    guest.join()
    told[runs_to_pages(tracker.collect())] = True
    assert told.all()


def test_only_marks_that_were_seen_are_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = bytearray(64)
    tracker = MarksTracker(marks)
    find = np.flatnonzero

    def find_while_the_guest_marks(array: np.ndarray) -> np.ndarray:
        monkeypatch.undo()
        marks[9] = 1
        return find(array)

    marks[3] = 1
    monkeypatch.setattr(np, "flatnonzero", find_while_the_guest_marks)
    assert tracker.collect().tolist() == [[3, 4]]
    assert tracker.collect().tolist() == [[9, 10]]


def test_a_tracker_can_be_forced() -> None:
    assert probe(force="marks") == "marks"
    with pytest.raises(InvalidValueError, match="Unknown tracker 'soft_dirty'; there are wp_async, marks"):
        probe(force="soft_dirty")


def test_without_the_kernel_the_guest_marks_its_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    # An unknown machine has no such system call: the same answer as from a container that forbids it.
    monkeypatch.setattr(pagemap, "_NR_USERFAULTFD", {})
    assert probe() == "marks"
    with pytest.raises(EngineError, match=r"cannot track writes\. Use marks"):
        probe(force="wp_async")


def test_a_kernel_that_is_not_exact_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackers, "_round_trip", lambda _: [*range(16)])
    assert probe() == "marks"
