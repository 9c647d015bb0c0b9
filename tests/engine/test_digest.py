"""One number for a memory, and a replay that must meet it."""

import pytest

from xlkit.engine.digest import memory_digest, replay
from xlkit.engine.program import Program
from xlkit.engine.workload import HotCold
from xlkit.errors import EngineError
from xlkit.units import PAGE_BYTES

WORKLOAD = HotCold(rate_pages_s=20_000, hot_pages=10)


def test_one_bit_changes_the_digest() -> None:
    memory = bytearray(40 << 20)
    before = memory_digest(memory)
    for place in (0, 17 << 20, len(memory) - 1):
        memory[place] ^= 1
        assert memory_digest(memory) != before
        memory[place] ^= 1
    assert memory_digest(memory) == before


def test_parts_that_change_places_change_the_digest() -> None:
    one, other = bytes(16 << 20), b"\1" * (16 << 20)
    assert memory_digest(bytearray(one + other)) != memory_digest(bytearray(other + one))


def test_a_replay_meets_the_guest_that_went_on() -> None:
    here = bytearray(128 * PAGE_BYTES)
    program = Program.install(here, WORKLOAD, seed=3)
    for _ in range(20):
        program.step()
    there = bytearray(here)
    for _ in range(35):
        Program(there).step()
    assert memory_digest(here) != memory_digest(there)
    replay(here, 35)
    assert memory_digest(here) == memory_digest(there)


def test_a_replay_needs_a_guest() -> None:
    with pytest.raises(EngineError, match="holds no guest"):
        replay(bytearray(PAGE_BYTES), 1)
