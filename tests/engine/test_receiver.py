"""The destination, against senders that are wrong, hostile or gone."""

import socket
from dataclasses import replace

import numpy as np
import pytest

from tests.faults.scene import alive, listening
from xlkit.engine import hello, wire
from xlkit.engine.hello import Refused
from xlkit.engine.outcome import Destination, Outcome, ask_outcome
from xlkit.engine.receiver import Receiver, serve
from xlkit.engine.wire import Header, Kind
from xlkit.errors import EngineError, InvalidValueError

PAGES = 64


@pytest.fixture
def destination():
    with listening(token="right", max_memory_bytes=PAGES * 4096) as (host, port):
        yield Destination(host=host, port=port, token="right", migration="m")


def open_migration(destination, memory_pages=PAGES):
    sock = destination.connect()
    request = {"want": "migrate", "migration": destination.migration, "memory_pages": memory_pages}
    try:
        return sock, hello.ask(sock, destination.token, request)
    except EngineError:
        sock.close()
        raise


def test_a_sender_without_the_token_gets_nothing_kept(destination):
    with pytest.raises(Refused, match="token"):
        open_migration(replace(destination, token="wrong"))
    sock, ready = open_migration(destination)
    with sock:
        assert alive({ready["pid"]})


@pytest.mark.parametrize("memory_pages", [PAGES + 1, 10**30, 0, -1])
def test_a_guest_of_a_wrong_size_is_refused(destination, memory_pages):
    with pytest.raises(Refused):
        open_migration(destination, memory_pages)
    assert destination.ask("status")["left_bytes"] == PAGES * 4096


def test_a_second_guest_of_the_same_name_is_refused(destination):
    sock, _ = open_migration(destination)
    with sock, pytest.raises(Refused, match="before"):
        open_migration(destination)


def test_memory_is_given_back_once_the_sender_is_gone(destination):
    sock, ready = open_migration(destination)
    assert destination.ask("status")["left_bytes"] == 0
    sock.close()
    assert ask_outcome(destination) is Outcome.DISCARDED
    assert destination.ask("status")["left_bytes"] == PAGES * 4096
    assert not alive({ready["pid"]})


def test_a_question_for_the_outcome_beats_a_late_order_to_start(destination):
    sock, _ = open_migration(destination)
    with sock:
        assert ask_outcome(destination) is Outcome.DISCARDED
        wire.send_header(sock, Header(Kind.GO))
        with pytest.raises(EngineError):
            wire.receive_ack(sock, Kind.GO)
    assert ask_outcome(destination) is Outcome.DISCARDED


def test_a_migration_that_was_asked_for_before_it_came_is_refused(destination):
    assert ask_outcome(destination) is Outcome.DISCARDED
    with pytest.raises(Refused, match="before"):
        open_migration(destination)


def test_runs_that_point_outside_the_guest_end_the_migration(destination):
    sock, _ = open_migration(destination)
    with sock:
        wire.send_header(sock, Header(Kind.PASS, 0, 1, 1), np.array([[PAGES, PAGES + 1]]))
        with pytest.raises(EngineError):
            wire.receive_ack(sock, Kind.PASS)
    assert ask_outcome(destination) is Outcome.DISCARDED


def test_memory_that_holds_no_guest_cannot_be_started(destination):
    sock, _ = open_migration(destination)
    with sock:
        wire.send_header(sock, Header(Kind.GO))
        with pytest.raises(EngineError):
            wire.receive_ack(sock, Kind.GO)
    assert ask_outcome(destination) is Outcome.DISCARDED


def test_nobody_there_is_unknown_unless_the_guest_was_on_this_machine():
    with socket.create_server(("127.0.0.1", 0)) as server:
        nowhere = Destination(host="127.0.0.1", port=server.getsockname()[1], token="t", migration="m")
    assert ask_outcome(nowhere) is Outcome.UNKNOWN
    never = 2**22 + 1
    assert ask_outcome(replace(nowhere, twin_pid=never)) is Outcome.DISCARDED


def test_an_address_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(EngineError, match=f"127.0.0.1:{port}"):
            serve("127.0.0.1", port, token="t", announce=print)


def test_an_empty_token_is_refused():
    with pytest.raises(InvalidValueError, match="token"):
        Receiver("127.0.0.1", 0, token="")
