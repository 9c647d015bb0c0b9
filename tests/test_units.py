"""Quantities: text in, numbers out, and numbers for readers."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlkit.errors import InvalidValueError
from xlkit.units import (
    PAGE_BYTES,
    UINT32_MAX,
    format_bytes,
    format_bytes_s,
    format_s,
    pages,
    parse_bytes,
    parse_bytes_s,
    whole_number,
)


@pytest.mark.parametrize(
    ("text", "expected"), [("4096", 4096), ("1KiB", 1024), ("256MiB", 2**28), ("1.5 GiB", 3 * 2**29), ("2tib", 2**41)]
)
def test_memory_is_read_with_binary_units(text, expected):
    assert parse_bytes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("500Mbit/s", 62.5e6), ("1Gbit/s", 125e6), ("100MiB/s", 100 * 2**20), ("1000", 1000.0), ("8 bit/s", 1.0)],
)
def test_a_bandwidth_is_read_in_bits_or_bytes_a_second(text, expected):
    assert parse_bytes_s(text) == expected


@pytest.mark.parametrize("text", ["", "lots", "-1MiB", "1MB", "1 Mbit", "nan", "1e9", None, True])
def test_memory_that_cannot_be_read_is_refused_with_an_example(text):
    with pytest.raises(InvalidValueError, match="such as 256MiB"):
        parse_bytes(text)


@pytest.mark.parametrize("text", ["0", 0, float("inf"), float("nan"), "1Gbit", "0Mbit/s"])
def test_a_bandwidth_that_carries_nothing_is_refused(text):
    with pytest.raises(InvalidValueError):
        parse_bytes_s(text)


@given(st.integers(0, 2**50))
def test_pages_hold_their_bytes_and_no_page_is_empty(n_bytes):
    assert (pages(n_bytes) - 1) * PAGE_BYTES < n_bytes <= pages(n_bytes) * PAGE_BYTES


@given(st.integers(0, 2**50))
def test_plain_bytes_are_read_as_they_stand(n_bytes):
    assert parse_bytes(str(n_bytes)) == n_bytes == parse_bytes(n_bytes)


@given(st.text())
def test_any_text_is_read_as_a_quantity_or_refused(text):
    for parse in (parse_bytes, parse_bytes_s):
        with suppress(InvalidValueError):
            assert parse(text) >= 0


@given(st.integers(0, UINT32_MAX))
def test_a_count_that_fits_32_bits_is_taken(number):
    assert whole_number("max_iters", number) == number


@pytest.mark.parametrize("value", ["5", "1k", 1.5, None, True, -1, UINT32_MAX + 1])
def test_a_count_that_atoi_would_take_silently_is_refused(value):
    with pytest.raises(InvalidValueError, match="max_iters must"):
        whole_number("max_iters", value)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (format_bytes(None), "unknown"),
        (format_bytes(0), "0 B"),
        (format_bytes(2**40 * 5000), "5000 TiB"),
        (format_s(None), "unknown"),
        (format_s(0), "0 s"),
        (format_s(12.5), "12.5 s"),
        (format_s(2.5e-6), "2.5 us"),
        (format_bytes_s(None), "unknown"),
        (format_bytes_s(2**20), "1 MiB/s"),
    ],
)
def test_quantities_are_written_for_readers(written, expected):
    assert written == expected
