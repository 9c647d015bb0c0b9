import os

import pytest

from xlkit.engine.channel import Channel, pair
from xlkit.errors import EngineError


@pytest.fixture
def ends():
    ours, theirs = pair()
    other = Channel(theirs)
    yield ours, other
    ours.close()
    other.close()


def test_a_message_arrives_with_its_facts(ends):
    ends[0].send("pass", pages=[1, 2], last=None)
    assert ends[1].receive() == ("pass", {"pages": [1, 2], "last": None})


def test_messages_that_arrive_together_are_heard_one_by_one(ends):
    for word in ("one", "two"):
        ends[0].send(word)
    assert ends[1].receive().word == "one"
    assert ends[1].pending
    assert ends[1].receive().word == "two"
    assert not ends[1].pending


def test_a_long_message_arrives_whole(ends):
    ends[0].send("long", text="x" * 150_000)
    assert len(ends[1].receive().facts["text"]) == 150_000


def test_a_descriptor_travels_and_stays_out_of_child_processes(ends):
    read, write = os.pipe()
    ends[0].send("take", fds=[write])
    os.close(write)
    ends[1].receive()
    (taken,) = ends[1].take_fds()
    assert not os.get_inheritable(taken)
    os.write(taken, b"!")
    assert os.read(read, 1) == b"!"
    os.close(taken)
    os.close(read)


def test_silence_ends_after_its_time(ends):
    with pytest.raises(TimeoutError):
        ends[0].receive(0.01)


def test_a_closed_end_is_noticed_after_the_last_message(ends):
    ends[0].send("bye")
    ends[0].close()
    assert ends[1].receive().word == "bye"
    assert ends[1].receive() is None


def test_speaking_to_nobody_is_an_error_that_says_so(ends):
    ends[1].close()
    with pytest.raises(EngineError, match="gone"):
        ends[0].send("hello")


def test_a_channel_closed_here_hears_nothing(ends):
    ends[0].close()
    assert ends[0].receive() is None
