"""The token bucket keeps to its bandwidth and saves nothing between passes."""

import time

import pytest

from xlkit.engine.pacing import TokenBucket
from xlkit.errors import InvalidValueError


def paced_s(bucket: TokenBucket, n_bytes: int) -> float:
    begun_s = time.perf_counter()
    bucket.restart()
    while n_bytes > 0:
        bucket.take(min(n_bytes, bucket.chunk_bytes))
        n_bytes -= bucket.chunk_bytes
    return time.perf_counter() - begun_s


@pytest.mark.parametrize("bytes_s", [1.25e7, 1.25e8, 5e8])
def test_bytes_take_as_long_as_the_link_would(bytes_s: float) -> None:
    took_s = paced_s(TokenBucket(bytes_s), int(bytes_s * 0.15))
    assert 0.1499 <= took_s < 0.25


def test_lost_time_is_caught_up_within_a_pass() -> None:
    bucket = TokenBucket(1e6)
    begun_s = time.perf_counter()
    bucket.take(10_000)
    time.sleep(0.05)
    bucket.take(60_000)
    assert 0.0699 <= time.perf_counter() - begun_s < 0.1


def test_no_more_than_a_tenth_of_a_second_is_caught_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    slept: list[float] = []
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", slept.append)
    bucket = TokenBucket(1000)
    clock[0] = 10.0
    bucket.take(150)
    assert slept == [pytest.approx(0.05)]


def test_an_idle_link_saves_nothing_for_the_next_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    slept: list[float] = []
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", slept.append)
    bucket = TokenBucket(1000)
    clock[0] = 10.0
    bucket.restart()
    bucket.take(50)
    assert slept == [pytest.approx(0.05)]


def test_chunks_are_two_milliseconds_and_never_large() -> None:
    assert TokenBucket(1e8).chunk_bytes == 200_000
    assert TokenBucket(1e12).chunk_bytes == 4 << 20
    assert TokenBucket(10).chunk_bytes == 512


@pytest.mark.parametrize("bytes_s", [0, -1, float("inf"), float("nan")])
def test_a_bandwidth_that_is_none_is_refused(bytes_s: float) -> None:
    with pytest.raises(InvalidValueError, match="above zero"):
        TokenBucket(bytes_s)
