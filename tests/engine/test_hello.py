import socket
import threading

import pytest

from xlkit.engine import hello, wire
from xlkit.engine.hello import Refused
from xlkit.errors import EngineError


@pytest.fixture
def ends():
    left, right = socket.socketpair()
    with left, right:
        left.settimeout(5)
        right.settimeout(5)
        yield left, right


def greet(ends, token, asked):
    """Let both sides say hello, and return what each got."""
    heard = []

    def hear():
        try:
            heard.append(hello.hear(ends[1], "secret"))
        except EngineError as error:
            heard.append(error)
        else:
            wire.send_message(ends[1], {"answer": 1})

    thread = threading.Thread(target=hear)
    thread.start()
    try:
        answer = hello.ask(ends[0], token, asked)
    except EngineError as error:
        answer = error
    thread.join()
    return answer, heard[0]


def test_a_sender_with_the_token_is_heard(ends):
    assert greet(ends, "secret", {"want": "status"}) == ({"answer": 1}, {"want": "status"})


def test_a_sender_without_the_token_is_refused_with_a_reason(ends):
    refused, heard = greet(ends, "guessed", {"want": "status"})
    assert isinstance(refused, Refused)
    assert "token" in str(refused)
    assert isinstance(heard, Refused)


def test_the_token_never_crosses_the_wire(ends):
    wire.send_message(ends[1], {"protocol": wire.PROTOCOL, "nonce": "n"})
    wire.send_message(ends[1], {})
    hello.ask(ends[0], "very secret", {"want": "status"})
    assert b"very secret" not in ends[1].recv(4096)


def test_a_proof_is_good_for_one_challenge_only(ends):
    proof = hello._proof("secret", "an older nonce", "{}")
    wire.send_message(ends[0], {"protocol": wire.PROTOCOL, "proof": proof, "body": "{}"})
    with pytest.raises(Refused):
        hello.hear(ends[1], "secret")


def test_another_version_is_named(ends):
    wire.send_message(ends[1], {"protocol": "xlkit-live/0", "nonce": ""})
    with pytest.raises(EngineError, match="xlkit-live/0"):
        hello.ask(ends[0], "secret", {})


def test_a_machine_has_the_same_name_twice():
    assert hello.machine() == hello.machine() != ""
