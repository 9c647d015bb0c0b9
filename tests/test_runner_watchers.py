"""Watchers: each hears everything in order; slow or failing ones cost the migration nothing."""

import threading
import time

from tests.records import ScriptedBackend, a_pass, a_stop
from xlkit.model import Migration, RunStop
from xlkit.policies import ThresholdPolicy
from xlkit.runner import run
from xlkit.runner._watchers import listening
from xlkit.store import RunStore


def go(script=None, *watchers):
    return run(Migration("demo"), ThresholdPolicy(), ScriptedBackend(script), watchers=watchers)


def test_every_watcher_hears_every_event_in_order():
    one, two = [], []
    done = go(None, one.append, two.append)
    assert one == two == [done.start, *done.iterations, done.stop]


def test_a_failing_watcher_is_logged_by_name_and_hears_on(caplog):
    heard = []

    def clumsy(event):
        heard.append(event)
        raise ZeroDivisionError("in the watcher")

    done = go(None, clumsy)
    assert len(heard) == 4
    assert done.stop == a_stop()
    assert [record.message.split(" ")[2] for record in caplog.records] == [clumsy.__qualname__] * 4
    assert caplog.text.count("Traceback") == 1


def test_a_watcher_that_hangs_does_not_hold_up_a_pass():
    release = threading.Event()

    def hanging(event):
        release.wait(30)

    def script(policy):
        for number in range(50):
            yield a_pass(number)
        release.set()
        yield a_stop()

    assert len(go(script, hanging).iterations) == 50


def test_a_slow_watcher_catches_up_before_the_run_is_returned():
    heard = []

    def slow(event):
        time.sleep(0.02)
        heard.append(event)

    done = go(None, slow)
    assert heard[-1] == done.stop


def test_the_wait_for_a_watcher_is_bounded_and_what_it_missed_is_logged(caplog):
    release, heard = threading.Event(), []

    def hanging(event):
        release.wait(30)
        heard.append(event)

    with listening([hanging], drain_s=0.05) as tell:
        tell(a_pass(0))
        tell(a_stop())
    assert "too slow" in caplog.text
    release.set()
    (thread,) = (one for one in threading.enumerate() if one.name.startswith("xlkit watcher"))
    thread.join(10)
    assert not any(isinstance(one, RunStop) for one in heard)


def test_no_thread_stays_behind():
    go(None, lambda event: None, lambda event: None)
    assert not [one for one in threading.enumerate() if one.name.startswith("xlkit watcher")]


def test_a_watcher_hears_an_event_that_the_store_has_already():
    counted = []

    def look(event):
        counted.append(RunStore().heads()[0].n_iterations)

    go(None, look)
    assert counted[0] >= 0
    assert counted[-1] == 2
