"""Shared memory: seen by others, refused when there is none, gone when closed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from xlkit.engine import memory as memory_room
from xlkit.engine.memory import SharedMemory, free_bytes, page_view, require_free
from xlkit.errors import EngineError
from xlkit.units import PAGE_BYTES


def test_another_process_sees_the_same_bytes() -> None:
    code = "import mmap, sys; mmap.mmap(int(sys.argv[1]), 8192)[5000] = 7"
    with SharedMemory.create(2 * PAGE_BYTES) as memory:
        subprocess.run([sys.executable, "-c", code, str(memory.fd)], pass_fds=[memory.fd], check=True)
        assert memory.map[5000] == 7


def test_without_memfd_a_file_without_a_name_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with SharedMemory.create(PAGE_BYTES) as memory:
        memory.map[:3] = b"abc"
        assert os.pread(memory.fd, 3, 0) == b"abc"
        assert list(tmp_path.iterdir()) == []


def test_populate_keeps_what_is_there() -> None:
    with SharedMemory.create(4 * PAGE_BYTES) as memory:
        memory.map[PAGE_BYTES] = 9
        memory.populate()
        assert memory.map[PAGE_BYTES] == 9


def test_populate_works_on_systems_without_the_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_room, "_MADV_POPULATE_WRITE", 12345)
    with SharedMemory.create(4 * PAGE_BYTES) as memory:
        memory.map[PAGE_BYTES] = 9
        memory.populate()
        assert memory.map[PAGE_BYTES] == 9
        assert os.fstat(memory.fd).st_blocks * 512 == 4 * PAGE_BYTES


def test_more_memory_than_is_free_is_refused_before_it_is_taken() -> None:
    with pytest.raises(EngineError, match=r"8 TiB of memory are asked for, .* free\. Take a smaller guest"):
        SharedMemory.create(8 << 40)


def test_the_machine_tells_what_is_free() -> None:
    require_free(PAGE_BYTES)
    free = free_bytes()
    assert free is None or free > 64 << 20


def test_a_container_limit_counts(tmp_path: Path) -> None:
    (tmp_path / "memory.current").write_text("3000\n")
    (tmp_path / "memory.max").write_text("10000\n")
    assert memory_room._container_free_bytes(tmp_path) == 7000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory_room._container_free_bytes(tmp_path) is None


@pytest.mark.parametrize("size_bytes", [0, -4096, 4097])
def test_sizes_that_are_no_pages_are_refused(size_bytes: int) -> None:
    with pytest.raises(EngineError, match="whole pages"):
        SharedMemory.create(size_bytes)


def test_closing_gives_the_descriptor_back_even_while_somebody_looks() -> None:
    memory = SharedMemory.create(PAGE_BYTES)
    fd, view = memory.fd, page_view(memory.map)
    memory.close()
    memory.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)
    assert view[0, 0] == 0
