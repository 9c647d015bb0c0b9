"""The guest's program: every bit of its state lies in the guest's memory, so that memory alone carries it on elsewhere.

Page 0 holds the registers and the stages, the next pages a table of random numbers, the others data. A step writes
one word into each of its data pages and then counts itself: cut short anywhere, it can be taken again with the same
outcome.
"""

from typing import Final, Self

import numpy as np
import numpy.typing as npt

from xlkit.engine.memory import Buffer
from xlkit.engine.runs import Pages
from xlkit.engine.workload import HotCold, Idle, Stages, Steady, Sweep, Uniform, Workload
from xlkit.engine.workload import first_data_page as find_first_data_page
from xlkit.engine.workload import step_period_s as find_step_period_s
from xlkit.errors import EngineError, InvalidValueError
from xlkit.units import PAGE_BYTES

_Words = npt.NDArray[np.uint64]
_PAGE_WORDS: Final = PAGE_BYTES // 8
_MAGIC: Final = 0x1_786C_6B69_7401
_FILL: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
_FILL_PAGES: Final = 1024
# Registers, as words of page 0.
_R_MAGIC, _R_STEPS, _R_PERIOD_NS, _R_MEMORY_PAGES, _R_N_STAGES = range(5)
_R_STAGES: Final = 16
_PHASE_WORDS: Final = 6
_NEVER: Final = 1 << 62
_KINDS: Final = (Idle, Uniform, Sweep, HotCold)
_32_BITS: Final = np.uint64(32)
_LOW_32: Final = np.uint64(2**32 - 1)
_STRIDE: Final = 2_654_435_761


class Program:
    """Run the program that lies in a guest's memory.

    Parameters
    ----------
    memory : mmap.mmap, bytearray or memoryview
        Memory that `install` formatted, or a copy of it.

    Raises
    ------
    EngineError
        If the memory holds no guest, or was cut.
    """

    def __init__(self, memory: Buffer) -> None:
        words = np.frombuffer(memory, np.uint64)
        self._registers = words[:_PAGE_WORDS]
        if words.size < _PAGE_WORDS or int(self._registers[_R_MAGIC]) != _MAGIC:
            raise EngineError("This memory holds no guest: its first page does not begin with the mark of one.")
        self.memory_pages = int(self._registers[_R_MEMORY_PAGES])
        if self.memory_pages * _PAGE_WORDS != words.size:
            raise EngineError(f"This guest has {self.memory_pages} pages, its memory {words.size // _PAGE_WORDS}.")
        self.first_data_page = find_first_data_page(self.memory_pages)
        self.period_s = int(self._registers[_R_PERIOD_NS]) / 1e9
        self._table = words[_PAGE_WORDS : self.first_data_page * _PAGE_WORDS].view(np.uint32)
        self._words = words.reshape(-1, _PAGE_WORDS)
        self._stages = _read_stages(self._registers)

    @classmethod
    def install(cls, memory: Buffer, workload: Workload, seed: int) -> Self:
        """Format memory as a guest that has taken no step yet.

        Parameters
        ----------
        memory : mmap.mmap, bytearray or memoryview
            Memory to overwrite, whole pages.
        workload : Workload
            What the guest is going to do.
        seed : int
            Chooses the table of random numbers.

        Returns
        -------
        Program
            Ready to take its first step.

        Raises
        ------
        InvalidValueError
            If the memory is too small for the workload.
        """
        words = np.frombuffer(memory, np.uint64).reshape(-1, _PAGE_WORDS)
        n_first = find_first_data_page(len(words))
        stages = _stage_rows(workload, len(words) - n_first)
        # Raw output: the only stream that numpy promises to keep.
        random = np.random.PCG64(seed)
        _fill(words, random.random_raw(_PAGE_WORDS))
        words[1:n_first].reshape(-1)[:] = random.random_raw((n_first - 1) * _PAGE_WORDS)
        registers = words[0]
        registers[:] = 0
        registers[_R_PERIOD_NS] = round(find_step_period_s(workload) * 1e9)
        registers[_R_MEMORY_PAGES], registers[_R_N_STAGES] = len(words), len(stages)
        registers[_R_STAGES : _R_STAGES + stages.size] = stages.reshape(-1)
        registers[_R_MAGIC] = _MAGIC
        return cls(memory)

    @property
    def steps(self) -> int:
        """How many steps the guest has taken."""
        return int(self._registers[_R_STEPS])

    def written_pages(self, step: int) -> Pages:
        """Tell which data pages a step writes.

        Parameters
        ----------
        step : int
            Number of the step, from 0.

        Returns
        -------
        numpy.ndarray
            Page numbers in the order of writing, perhaps with repeats; shape (k,). Page 0 is written by every step.
        """
        return self._stage_at(step).pages(step, self._table) + self.first_data_page

    def step(self, marks: npt.NDArray[np.uint8] | None = None) -> int:
        """Take one step: write its data pages, mark them, count the step, mark the registers.

        Parameters
        ----------
        marks : numpy.ndarray of uint8, optional
            One byte a page, set to 1 after the page is written; shape (pages,).

        Returns
        -------
        int
            Writes to data pages.
        """
        step = int(self._registers[_R_STEPS])
        pages = self.written_pages(step)
        if pages.size:
            # Page by page in one column: three times quicker than indexing both at once.
            self._words[:, step % _PAGE_WORDS][pages] = step + 1
            if marks is not None:
                marks[pages] = 1
        self._registers[_R_STEPS] = step + 1
        if marks is not None:
            marks[0] = 1
        return pages.size

    def _stage_at(self, step: int) -> "_Stage":
        for stage in self._stages:
            if step < stage.until_step:
                return stage
        return self._stages[-1]


class _Stage:
    """One row of the stages in page 0, ready to say which pages a step writes."""

    def __init__(self, row: _Words, period_s: float) -> None:
        self.until_step, self._kind = int(row[0]), _KINDS[int(row[1])]
        rate_pages_s, hot_share = row[[2, 5]].view(np.float64)
        self._writes_a_step = float(rate_pages_s) * period_s
        self._working_set_pages, self._hot_pages = row[3], row[4]
        self._cold_pages = row[3] - row[4]
        hot_below = round(float(hot_share) * 2**32) if self._cold_pages else 2**32
        self._hot_below, self._hot_span = np.uint64(hot_below), np.uint64(max(hot_below, 1))
        self._cold_span = np.uint64(max(2**32 - hot_below, 1))

    def pages(self, step: int, table: npt.NDArray[np.uint32]) -> Pages:
        begin, end = int(step * self._writes_a_step), int((step + 1) * self._writes_a_step)
        if begin == end or self._kind is Idle:
            return np.zeros(0, np.int64)
        if self._kind is Sweep:
            return np.arange(begin, end, dtype=np.int64) % int(self._working_set_pages)
        numbers = _random_numbers(table, begin, end)
        chosen = self._hot_cold(numbers) if self._kind is HotCold else self._uniform(numbers)
        return chosen.astype(np.int64)

    def _uniform(self, numbers: _Words) -> _Words:
        pages: _Words = (numbers * self._working_set_pages) >> _32_BITS
        return pages

    def _hot_cold(self, numbers: _Words) -> _Words:
        # One number chooses the part and, by where it lies within its share, the page.
        hot = numbers * self._hot_pages // self._hot_span
        cold = (numbers - self._hot_below) * self._cold_pages // self._cold_span + self._hot_pages
        pages: _Words = np.where(numbers < self._hot_below, hot, cold)
        return pages


def _random_numbers(table: npt.NDArray[np.uint32], begin: int, end: int) -> _Words:
    turn, first = divmod(begin, table.size)
    numbers = table[first : first + end - begin]
    if numbers.size < end - begin:
        numbers = np.take(table, np.arange(first, first + end - begin), mode="wrap")
    # Each turn through the table shifts its numbers, so that the guest does not repeat itself.
    return (numbers.astype(np.uint64) + np.uint64(turn * _STRIDE & 0xFFFF_FFFF)) & _LOW_32


def _fill(words: _Words, pattern: _Words) -> None:
    for first in range(0, len(words), _FILL_PAGES):
        block = words[first : first + _FILL_PAGES]
        numbers = np.arange(first, first + len(block), dtype=np.uint64)
        np.add(pattern, (numbers * _FILL)[:, None], out=block)


def _stage_rows(workload: Workload, data_pages: int) -> _Words:
    if not isinstance(workload, Stages):
        return _stage_row(workload, _NEVER, data_pages)[None]
    period_s = find_step_period_s(workload)
    ends = np.rint(np.cumsum([stage.duration_s for stage in workload.stages]) / period_s)
    rows = [_stage_row(stage.workload, int(end), data_pages) for stage, end in zip(workload.stages, ends, strict=True)]
    rows[-1][0] = _NEVER
    return np.array(rows, np.uint64)


def _stage_row(steady: Steady, until_step: int, data_pages: int) -> _Words:
    row = np.zeros(_PHASE_WORDS, np.uint64)
    row[0], row[1] = until_step, _KINDS.index(type(steady))
    if isinstance(steady, Idle):
        return row
    working_set_pages = data_pages if steady.working_set_pages is None else steady.working_set_pages
    hot_pages = steady.hot_pages if isinstance(steady, HotCold) else 0
    if max(working_set_pages, hot_pages) > data_pages:
        raise InvalidValueError(
            f"The workload writes {max(working_set_pages, hot_pages)} pages, the guest has {data_pages} for data. "
            "Take a smaller working set or a larger guest."
        )
    row[3], row[4] = working_set_pages, hot_pages
    row.view(np.float64)[[2, 5]] = steady.rate_pages_s, steady.hot_share if isinstance(steady, HotCold) else 0.0
    return row


def _read_stages(registers: _Words) -> list[_Stage]:
    n_stages, period_s = int(registers[_R_N_STAGES]), int(registers[_R_PERIOD_NS]) / 1e9
    rows = registers[_R_STAGES : _R_STAGES + n_stages * _PHASE_WORDS].reshape(-1, _PHASE_WORDS)
    return [_Stage(row, period_s) for row in rows]
