"""Runs of pages against plain sets of page numbers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlkit.engine.runs import all_runs, check_runs, count_below, count_pages, no_runs, pages_to_runs, runs_to_pages
from xlkit.errors import EngineError

page_sets = st.sets(st.integers(0, 300))


@given(page_sets)
def test_pages_survive_the_way_to_runs_and_back(pages: set[int]) -> None:
    assert runs_to_pages(pages_to_runs(sorted(pages))).tolist() == sorted(pages)


@given(page_sets)
def test_runs_count_their_pages(pages: set[int]) -> None:
    assert count_pages(pages_to_runs(sorted(pages))) == len(pages)


@given(page_sets, st.lists(st.integers(0, 310)))
def test_runs_count_their_pages_below_any_number(pages: set[int], borders: list[int]) -> None:
    counts = count_below(pages_to_runs(sorted(pages)), borders)
    assert counts.tolist() == [sum(page < border for page in pages) for border in borders]


@given(page_sets)
def test_runs_are_as_few_as_can_be(pages: set[int]) -> None:
    runs = pages_to_runs(sorted(pages))
    assert (runs[1:, 0] > runs[:-1, 1]).all()
    assert runs.shape == (sum(page - 1 not in pages for page in pages), 2)


def test_all_pages_are_one_run() -> None:
    assert all_runs(64).tolist() == [[0, 64]]
    assert all_runs(0).shape == no_runs().shape == (0, 2)


@given(page_sets)
def test_runs_within_the_guest_are_taken(pages: set[int]) -> None:
    check_runs(pages_to_runs(sorted(pages)), 301)


@pytest.mark.parametrize("run", [(-1, 2), (3, 3), (4, 2), (0, 65), (64, 65)])
def test_runs_outside_the_guest_are_refused(run: tuple[int, int]) -> None:
    with pytest.raises(EngineError, match=f"from {run[0]} to {run[1]} does not lie within a guest of 64 pages"):
        check_runs(np.array([[0, 1], run], np.int64), 64)


def test_arrays_that_are_no_runs_are_refused() -> None:
    wrongs: list[Any] = [np.zeros((2, 3), np.int64), np.zeros(2, np.int64), np.zeros((2, 2), np.uint32)]
    for wrong in wrongs:
        with pytest.raises(EngineError, match="int64 of shape"):
            check_runs(wrong, 64)
