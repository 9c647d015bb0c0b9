"""The downtime from outside: heartbeats on the consoles of two scripted hosts."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.backends.xen_host import MIGRATION, ScriptedDom0
from xlkit.backends.host import LocalHost
from xlkit.backends.xl_heartbeat import PART, ConsoleHeartbeat, watching
from xlkit.errors import HostUnreachableError, InvalidValueError, PreflightError
from xlkit.logs.heartbeats import CLOCK
from xlkit.model import Decision, Knowledge, Side, Status
from xlkit.policies import ThresholdPolicy


@pytest.fixture
def dom0(tmp_path: Path, libraries: Path) -> ScriptedDom0:
    return ScriptedDom0(tmp_path, libraries)


class Console:
    """A guest that beats on the console of the side where it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.number = folder, 0
        for side in Side.SOURCE, Side.DESTINATION:
            self.file(side).touch()

    def file(self, side: Side) -> Path:
        return self.folder / f"{side}-guest.log"

    def beat(self, side: Side) -> None:
        with self.file(side).open("a") as file:
            file.write(f"[stamp] beat {self.number} of guest\n")
        self.number += 1

    def heartbeat(self, **settings: object) -> ConsoleHeartbeat:
        """Tell the two consoles apart by files of one machine, each of which only one host has a name for."""
        host = Elsewhere(str(self.file(Side.SOURCE)), str(self.file(Side.DESTINATION)))
        return ConsoleHeartbeat(
            pattern=r"beat (\d+)", destination=host, logs=(str(self.folder / "source-{domain}.log"),), **settings
        )


class Elsewhere(LocalHost):
    """The same machine, with other files under the same names."""

    label = "elsewhere"

    def __init__(self, here: str, there: str) -> None:
        super().__init__()
        self._here, self._there = here, there

    def stream(self, script: str) -> object:
        return super().stream(script.replace(self._here, self._there))


@contextmanager
def beating(console: Console, side: object, every_s: float = 0.01) -> Iterator[None]:
    def beat() -> None:
        while not over.wait(every_s):
            console.beat(side())

    over = threading.Event()
    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_the_gap_lies_between_the_last_beat_here_and_the_first_one_there(tmp_path: Path) -> None:
    console = Console(tmp_path)
    heartbeat = console.heartbeat()
    with watching(heartbeat, "guest", LocalHost(), heartbeat.destination) as watch:
        beats_until_seen(console, Side.SOURCE, watch.source)
        last = max(watch.source.seen)
        time.sleep(0.2)
        beats_until_seen(console, Side.DESTINATION, watch.destination)
        gap_s = watch._gap_s()
    assert gap_s == watch.destination.seen[last + 1] - watch.source.seen[last]
    assert gap_s >= 0.2


def test_what_never_beats_is_not_known(tmp_path: Path) -> None:
    console = Console(tmp_path)
    heartbeat = console.heartbeat(settle_s=0.05)
    with watching(heartbeat, "guest", LocalHost(), heartbeat.destination) as watch:
        assert watch._gap_s() is None
        beats_until_seen(console, Side.SOURCE, watch.source)
        assert watch._gap_s() is None


def test_a_migration_records_what_was_seen_from_outside(dom0: ScriptedDom0, tmp_path: Path) -> None:
    console = Console(tmp_path)
    dom0.write_script(chunk_us=20_000)
    with beating(console, lambda: dom0.sides()[0]):
        *_, stop = dom0.backend(heartbeat=console.heartbeat()).migrate(MIGRATION, ThresholdPolicy(max_iters=3))
    part = stop.downtime[-1]
    assert (stop.status, part.name, part.knowledge, part.clock) == (Status.COMPLETED, PART, Knowledge.AT_MOST, CLOCK)
    assert 0 < part.duration_s < 5
    assert stop.downtime_s == pytest.approx(sum(one.duration_s for one in stop.downtime[:-1]))


def test_an_aborted_migration_has_no_gap(dom0: ScriptedDom0, tmp_path: Path) -> None:
    *_, stop = dom0.backend(heartbeat=Console(tmp_path).heartbeat()).migrate(MIGRATION, Aborting())
    assert (stop.status, stop.downtime) == (Status.ABORTED, ())


def test_a_destination_that_cannot_be_watched_is_refused_before_anything_starts(dom0: ScriptedDom0) -> None:
    with pytest.raises(PreflightError, match=r"no route.*Nothing was started"):
        dom0.backend(heartbeat=ConsoleHeartbeat(pattern="beat ([0-9]+)", destination=Away())).preflight(MIGRATION)


@pytest.mark.parametrize("pattern", ["beat", "beat (", "(?:beat) [0-9]+"])
def test_a_pattern_without_a_number_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidValueError, match=r"regular expression|in a group"):
        ConsoleHeartbeat(pattern=pattern)


def test_a_hostile_name_of_a_file_stays_a_word() -> None:
    heartbeat = ConsoleHeartbeat(pattern="(.)", logs=("/tmp/{domain} x;reboot",))
    assert "'/tmp/guest x;reboot'" in heartbeat.script("guest")


class Aborting:
    name = "aborting"

    def decide(self, _stats: object) -> Decision:
        return Decision.ABORT


class Away(LocalHost):
    label = "away"

    def run(self, *_: object, **__: object) -> None:
        raise HostUnreachableError("no route to away.", host=self.label)


def beats_until_seen(console: Console, side: Side, beats: object) -> None:
    end_s = time.monotonic() + 20
    while not beats.seen:
        assert time.monotonic() < end_s
        console.beat(side)
        time.sleep(0.05)
    # What was written is seen before the next one begins.
    while max(beats.seen) < console.number - 1:
        assert time.monotonic() < end_s
        time.sleep(0.01)
