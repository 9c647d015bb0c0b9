"""Both forms of the transport: the same bytes, however the kernel cuts them, and a clear end when it goes wrong."""

import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import NoReturn

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlkit.engine import transport
from xlkit.engine.memory import page_view
from xlkit.engine.pacing import TokenBucket
from xlkit.engine.runs import Runs, all_runs, count_pages, pages_to_runs, runs_to_pages
from xlkit.engine.transport import Interrupted, form, vectored
from xlkit.errors import EngineError, InvalidValueError
from xlkit.units import PAGE_BYTES

PAGES = 1024
NAMES = [name for name in transport.NAMES if name == "portable" or vectored.works()]
each_form = pytest.mark.parametrize("name", NAMES)
each_pair = pytest.mark.parametrize(("sender", "receiver"), [(one, other) for one in NAMES for other in NAMES])
SOURCE = bytearray(np.random.default_rng(1).bytes(PAGES * PAGE_BYTES))


@pytest.fixture
def link() -> Iterator[tuple[socket.socket, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as left:
        right, _ = server.accept()
        with right:
            yield left, right


def carry(left: socket.socket, right: socket.socket, runs: Runs, sender: str, receiver: str) -> bytearray:
    """Send the runs of `SOURCE` into fresh memory."""
    memory = bytearray(len(SOURCE))
    thread = threading.Thread(target=form(sender).send_pages, args=(left, SOURCE, runs))
    thread.start()
    assert form(receiver).receive_pages(right, memory, runs) == count_pages(runs) * PAGE_BYTES
    thread.join()
    return memory


def for_ever(move: Callable[[], object]) -> NoReturn:
    """Repeat until an error ends it: how much the kernel takes before it makes anybody wait is its own affair."""
    while True:
        move()


def expected(runs: Runs) -> bytearray:
    memory, pages = bytearray(len(SOURCE)), runs_to_pages(runs)
    page_view(memory)[pages] = page_view(SOURCE)[pages]
    return memory


@each_pair
@settings(max_examples=20, deadline=None)
@given(pages=st.sets(st.integers(0, PAGES - 1)))
def test_any_set_of_pages_arrives_in_its_places(sender: str, receiver: str, pages: set[int]) -> None:
    runs = pages_to_runs(sorted(pages))
    left, right = socket.socketpair()
    with left, right:
        assert carry(left, right, runs, sender, receiver) == expected(runs)


@each_pair
def test_passes_follow_each_other_on_one_connection(
    link: tuple[socket.socket, socket.socket], sender: str, receiver: str
) -> None:
    for runs in (all_runs(PAGES), pages_to_runs(range(0, PAGES, 2)), pages_to_runs([5]), all_runs(0)):
        assert carry(*link, runs, sender, receiver) == expected(runs)


@each_pair
def test_tiny_buffers_cut_pages_anywhere(sender: str, receiver: str) -> None:
    left, right = socket.socketpair()
    runs = pages_to_runs([page for page in range(PAGES) if page % 7 not in (2, 3)])
    with left, right:
        left.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        right.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        assert carry(left, right, runs, sender, receiver) == expected(runs)


@each_form
def test_bytes_that_arrive_a_few_at_a_time_find_their_places(name: str) -> None:
    runs = pages_to_runs([0, 2, 3, 900])
    wire = bytes(page_view(SOURCE)[runs_to_pages(runs)].reshape(-1))
    left, right = socket.socketpair()
    memory = bytearray(len(SOURCE))
    with left, right:
        thread = threading.Thread(target=form(name).receive_pages, args=(right, memory, runs))
        thread.start()
        for first in range(0, len(wire), 333):
            left.sendall(wire[first : first + 333])
        thread.join()
    assert memory == expected(runs)


@each_pair
def test_sockets_with_a_timeout_work(link: tuple[socket.socket, socket.socket], sender: str, receiver: str) -> None:
    for end in link:
        end.settimeout(5.0)
    runs = pages_to_runs(range(0, PAGES, 2))
    assert carry(*link, runs, sender, receiver) == expected(runs)
    assert [end.gettimeout() for end in link] == [5.0, 5.0]


@each_form
def test_a_pass_leaves_the_socket_as_patient_as_it_was(link: tuple[socket.socket, socket.socket], name: str) -> None:
    carry(*link, all_runs(PAGES), name, name)
    sent, late = SOURCE * 4, threading.Timer(0.1, lambda: link[1].recv(len(SOURCE) * 4, socket.MSG_WAITALL))
    late.start()
    # With a wait of a few milliseconds left on the socket, the system would refuse a part of this.
    link[0].sendall(sent)
    late.join()


@each_form
def test_signals_while_waiting_do_no_harm(link: tuple[socket.socket, socket.socket], name: str) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _: heard.append(number))
    late = threading.Timer(0.03, form(name).send_pages, args=(link[0], SOURCE, all_runs(PAGES)))
    memory = bytearray(len(SOURCE))
    late.start()
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        form(name).receive_pages(link[1], memory, all_runs(PAGES))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        late.join()
    assert heard
    assert memory == SOURCE


@each_form
def test_an_abort_is_heard_while_the_peer_takes_nothing(link: tuple[socket.socket, socket.socket], name: str) -> None:
    asked = threading.Event()
    timer = threading.Timer(0.05, asked.set)
    begun_s = time.perf_counter()
    timer.start()
    with pytest.raises(Interrupted, match="given up"):
        for_ever(lambda: form(name).send_pages(link[0], SOURCE, all_runs(PAGES), interrupted=asked.is_set))
    assert time.perf_counter() - begun_s < 0.5
    timer.join()


@each_form
def test_an_abort_is_heard_between_the_chunks_of_a_slow_link(
    link: tuple[socket.socket, socket.socket], name: str
) -> None:
    asked: list[float] = []

    def interrupted() -> bool:
        asked.append(time.perf_counter())
        return len(asked) == 10

    with pytest.raises(Interrupted):
        form(name).send_pages(link[0], SOURCE, all_runs(PAGES), bucket=TokenBucket(1e6), interrupted=interrupted)
    assert asked[-1] - asked[0] < 0.25


@each_form
def test_a_pass_keeps_to_its_bandwidth(link: tuple[socket.socket, socket.socket], name: str) -> None:
    runs, memory = all_runs(PAGES), bytearray(len(SOURCE))
    thread = threading.Thread(target=form(name).receive_pages, args=(link[1], memory, runs))
    thread.start()
    bucket = TokenBucket(4e7)
    begun_s = time.perf_counter()
    bucket.restart()
    form(name).send_pages(link[0], SOURCE, runs, bucket=bucket)
    thread.join()
    assert time.perf_counter() - begun_s == pytest.approx(len(SOURCE) / 4e7, rel=0.5)
    assert memory == SOURCE


@each_form
def test_a_receiver_that_vanishes_ends_the_pass(link: tuple[socket.socket, socket.socket], name: str) -> None:
    link[1].close()
    with pytest.raises(EngineError, match=r"Sending pages failed: .*(Broken pipe|Connection reset)"):
        for_ever(lambda: form(name).send_pages(link[0], SOURCE, all_runs(PAGES)))


@each_form
def test_a_sender_that_vanishes_ends_the_pass(link: tuple[socket.socket, socket.socket], name: str) -> None:
    link[0].sendall(b"x" * 5000)
    link[0].close()
    with pytest.raises(EngineError, match="Receiving pages failed: the peer closed the connection"):
        form(name).receive_pages(link[1], bytearray(len(SOURCE)), all_runs(PAGES))


@each_form
@pytest.mark.parametrize("sends", [True, False])
def test_a_peer_that_does_nothing_is_given_up(
    link: tuple[socket.socket, socket.socket], name: str, *, sends: bool
) -> None:
    link[0].settimeout(0.05)
    move: Callable[..., int] = form(name).send_pages if sends else form(name).receive_pages
    with pytest.raises(EngineError, match="moved nothing for 50 ms"):
        for_ever(lambda: move(link[0], SOURCE[:], all_runs(PAGES)))


@each_form
def test_a_peer_that_is_slow_is_not_given_up(link: tuple[socket.socket, socket.socket], name: str) -> None:
    link[1].settimeout(0.1)
    memory, bucket = bytearray(len(SOURCE)), TokenBucket(len(SOURCE) / 0.25)
    sender = threading.Thread(
        target=form(name).send_pages, args=(link[0], SOURCE, all_runs(PAGES)), kwargs={"bucket": bucket}
    )
    bucket.chunk_bytes = len(SOURCE) // 5
    sender.start()
    form(name).receive_pages(link[1], memory, all_runs(PAGES))
    sender.join()
    assert memory == SOURCE


@each_form
@pytest.mark.parametrize("way", ["send_pages", "receive_pages"])
def test_runs_outside_the_memory_move_nothing(link: tuple[socket.socket, socket.socket], name: str, way: str) -> None:
    with pytest.raises(EngineError, match="does not lie within a guest of 1024 pages"):
        getattr(form(name), way)(link[0], SOURCE, np.array([[0, PAGES + 1]], np.int64))


def test_the_faster_form_is_chosen_where_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    assert transport.choose() == NAMES[0]
    monkeypatch.setattr(sys, "platform", "darwin")
    assert transport.choose() == "portable"
    assert transport.choose(force="vectored") == "vectored"


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="Unknown transport 'rdma'; there are vectored, portable"):
        form("rdma")


def test_tune_tells_which_congestion_control_holds() -> None:
    with socket.socket() as tcp:
        told = transport.tune(tcp)
        assert tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        if hasattr(socket, "TCP_CONGESTION"):
            assert tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).startswith(told.encode())


def test_tune_leaves_other_sockets_alone() -> None:
    left, right = socket.socketpair()
    with left, right:
        assert transport.tune(left) == "unknown"
