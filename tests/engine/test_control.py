import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlkit.engine.control import Control, State

RING_MS = 65_536


@pytest.fixture
def control():
    control = Control.create()
    yield control
    control.close()


def test_a_new_page_is_booting_and_silent(control):
    assert control.state is State.BOOTING
    assert not control.tracked
    assert control.heartbeat(1000, 1010) == (1010, ())


def test_writes_are_counted_in_their_millisecond(control):
    for pages, now_s in ((5, 7.0001), (6, 7.0009), (7, 7.0031)):
        control.wrote(pages, now_s)
    assert control.heartbeat(7000, 7005) == (7000, (11, 0, 0, 7, 0))
    assert (control.steps, control.first_write_s, control.last_write_s) == (3, 7.0001, 7.0031)


def test_a_heartbeat_begins_with_the_guest(control):
    control.wrote(1, 7.002)
    assert control.heartbeat(0, 7004) == (7002, (1, 0))


def test_a_ring_that_was_written_over_shows_a_gap_and_no_old_numbers(control):
    control.wrote(1, 10.0)
    control.wrote(2, 10.0 + 2 * RING_MS / 1000)
    begun_ms, pages = control.heartbeat(10_000, 10_000 + 2 * RING_MS + 1)
    assert begun_ms == 10_000 + RING_MS + 2
    assert (sum(pages), pages[-1]) == (2, 2)


def test_lost_time_is_added_up(control):
    control.slipped(0.25)
    control.slipped(0.5)
    assert control.late_s == 0.75


@given(st.lists(st.tuples(st.integers(0, 40_000), st.integers(0, 1000)), min_size=1, max_size=30))
def test_stretches_that_follow_one_another_lose_nothing(steps):
    control = Control.create()
    now_ms, seen, since_ms = 1_000_000, 0, 0
    for wait_ms, pages in steps:
        now_ms += wait_ms
        beat = control.heartbeat(since_ms, now_ms)
        since_ms, seen = beat.begun_ms + len(beat.pages), seen + sum(beat.pages)
        control.wrote(pages, (now_ms + 0.5) / 1000)
    seen += sum(control.heartbeat(since_ms, now_ms + 1).pages)
    control.close()
    assert seen == sum(pages for _, pages in steps)
