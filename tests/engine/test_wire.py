import socket
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlkit.engine import wire
from xlkit.engine.runs import no_runs, pages_to_runs
from xlkit.engine.wire import Header, Kind
from xlkit.errors import EngineError

PAGES = 64


@pytest.fixture
def ends():
    left, right = socket.socketpair()
    with left, right:
        left.settimeout(5)
        right.settimeout(5)
        yield left, right


@pytest.mark.parametrize(
    "sent", [b"\xff\xff\xff\xff", b"\0\0\0\2no", b"\0\0\0\2[]", b"\0\0", b"\0\0\x80\0" + b"[" * 0x8000]
)
def test_what_is_no_message_is_refused(ends, sent):
    ends[0].sendall(sent)
    ends[0].close()
    with pytest.raises(EngineError):
        wire.receive_message(ends[1])


@given(st.sets(st.integers(0, PAGES - 1)), st.sampled_from([Kind.PASS, Kind.FINAL]), st.integers(0, 2**32 - 1))
def test_a_header_arrives_as_it_was_sent(pages, kind, iteration):
    left, right = socket.socketpair()
    with left, right:
        runs = pages_to_runs(sorted(pages))
        header = Header(kind, iteration, len(runs), len(pages))
        wire.send_header(left, header, runs)
        received, received_runs = wire.receive_header(right, PAGES)
    assert received == header
    np.testing.assert_array_equal(received_runs, runs)


@pytest.mark.parametrize(
    ("numbers", "table", "said"),
    [
        ((9, 0, 0, 0), (), "kind 9"),
        ((1, 0, 65, 65), (), "does not fit"),
        ((1, 0, 1, 65), (0, 65), "does not fit"),
        ((1, 0, 1, 1), (64, 65), "does not lie within"),
        ((1, 0, 1, 1), (5, 4), "does not lie within"),
        ((1, 0, 1, 2), (0, 1), "lists 1"),
        ((2, 0, 2, 64), (0, 32, 32, 65), "does not lie within"),
    ],
)
def test_a_hostile_header_is_refused(ends, numbers, table, said):
    ends[0].sendall(struct.pack("!4I", *numbers) + struct.pack(f"<{len(table)}I", *table))
    with pytest.raises(EngineError, match=said):
        wire.receive_header(ends[1], PAGES)


def test_a_connection_that_closes_between_passes_is_no_error(ends):
    ends[0].close()
    assert wire.receive_header(ends[1], PAGES) is None


def test_a_connection_that_closes_within_a_header_is_one(ends):
    ends[0].sendall(b"\0\0\0")
    ends[0].close()
    with pytest.raises(EngineError, match="closed"):
        wire.receive_header(ends[1], PAGES)


def test_an_ack_of_another_order_is_refused(ends):
    wire.send_ack(ends[1], Kind.GO, 1.5)
    with pytest.raises(EngineError, match="order of kind"):
        wire.receive_ack(ends[0], Kind.FINAL)


def test_an_order_needs_no_runs(ends):
    wire.send_header(ends[0], Header(Kind.GO))
    header, runs = wire.receive_header(ends[1], PAGES)
    assert header.kind is Kind.GO
    np.testing.assert_array_equal(runs, no_runs())
