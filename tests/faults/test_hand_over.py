"""A network that breaks during the hand-over: the guest waits until it knows that only one of the two will run."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.scene import MIGRATION, POLICY, Proxy, Scene
from xlkit.backends import _household
from xlkit.backends.local import LocalBackend
from xlkit.engine.control import State
from xlkit.errors import UndefinedOutcomeError
from xlkit.model import Side, Status

TOKEN = "of the test"
RECEIVE = """
import sys
from xlkit.engine.receiver import serve
serve(token="of the test", once=True, announce=lambda host, port: print(port, flush=True))
"""


@pytest.fixture
def receiver():
    process = subprocess.Popen([sys.executable, "-c", RECEIVE], stdout=subprocess.PIPE, text=True)
    with process:
        yield int(process.stdout.readline())
        process.kill()


@pytest.fixture
def proxy(receiver):
    proxy = Proxy(receiver)
    yield proxy
    proxy.close()


def test_a_receiver_that_was_started_by_hand_takes_the_guest_and_ends_with_it(receiver):
    with LocalBackend(memory="16MiB", connect=("127.0.0.1", receiver), token=TOKEN) as backend:
        backend.preflight(MIGRATION)
        *_, stop = backend.migrate(MIGRATION, POLICY)
        assert (stop.status, stop.verified) == (Status.COMPLETED, True)
        assert [one.side for one in backend.guests()] == [Side.DESTINATION]
        backend.end_guest()
        assert backend.guests() == ()


def test_a_guest_that_went_to_a_receiver_runs_on_there_when_its_sender_leaves(receiver):
    with LocalBackend(memory="16MiB", connect=("127.0.0.1", receiver), token=TOKEN) as backend:
        list(backend.migrate(MIGRATION, POLICY))
        (guest,) = backend.guests()
    assert Path(f"/proc/{guest.pid}").exists()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(_household, "_SETTLE_TIMEOUT_S", 0.3)
    return monkeypatch


def test_an_order_that_got_lost_is_undefined_until_the_network_is_mended(proxy, impatient):
    with Scene({"retired": lambda _: proxy.cut()}, connect=("127.0.0.1", proxy.port), token=TOKEN) as scene:
        with pytest.raises(UndefinedOutcomeError, match="look at both hosts"):
            scene.migrate()
        assert scene.sides() == []
        proxy.mend()
        impatient.undo()
        assert scene.backend._household.settle() is State.RUNNING
        assert scene.sides() == [Side.SOURCE]


def test_an_answer_that_got_lost_is_undefined_until_the_network_is_mended(proxy, impatient):
    acts = {"retired": lambda _: proxy.mute(), "ordered": lambda _: proxy.cut_after_the_answer()}
    with Scene(acts, connect=("127.0.0.1", proxy.port), token=TOKEN) as scene:
        with pytest.raises(UndefinedOutcomeError, match="look at both hosts"):
            scene.migrate()
        with pytest.raises(UndefinedOutcomeError, match="yet"):
            scene.migrate()
        proxy.mend()
        impatient.undo()
        assert scene.backend._household.settle() is State.DEPARTED
        assert scene.sides() == [Side.DESTINATION]
