"""The downtime as it shows from outside: a guest's heartbeats on the consoles of both hosts, by one clock."""

import re
import shlex
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from xlkit.backends.host import Host, Stream
from xlkit.errors import HostError, InvalidValueError
from xlkit.logs.heartbeats import CLOCK
from xlkit.model import DowntimePart, Knowledge, RunStop

PART = "heartbeat gap"
_LOGS = ("/var/log/xen/console/guest-{domain}.log", "/var/log/xen/console/guest-{domain}--incoming.log")
_TICK_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleHeartbeat:
    """What a guest prints again and again on its console, and where that is kept.

    The guest cannot measure how long it stood still, as its clock stands still with it, and the clocks of two hosts do
    not agree. Lines that arrive here from both hosts are timed by one clock: this machine's.

    Parameters
    ----------
    pattern : str
        Regular expression of a heartbeat; its first group is a number that rises by each.
    destination : Host or None, default None
        The destination; None reaches it by the migration's own name for it.
    logs : tuple of str, optional
        Files that hold the console on either host, ``{domain}`` in them; those of ``xenconsoled --log=guest`` when not
        given.
    settle_s : float, default 10.0
        How long to wait, after the migration, for the first heartbeat at the destination [s].

    Raises
    ------
    InvalidValueError
        If the pattern is no regular expression with a group.
    """

    pattern: str
    destination: Host | None = None
    logs: tuple[str, ...] = _LOGS
    settle_s: float = 10.0

    def __post_init__(self) -> None:
        try:
            groups = re.compile(self.pattern).groups
        except re.error as error:
            raise InvalidValueError(f"{self.pattern!r} is no regular expression: {error}.") from None
        if not groups:
            raise InvalidValueError(f"A heartbeat has its number in a group, such as 'beat ([0-9]+)': {self.pattern!r}")

    def script(self, domain: str) -> str:
        """Write the shell script that follows the console's files, until its input ends.

        Parameters
        ----------
        domain : str
            Name of the guest.

        Returns
        -------
        str
            A POSIX shell script.
        """
        files = " ".join(shlex.quote(one.format(domain=domain)) for one in self.logs)
        return f"tail -qn 0 -F {files} 2>/dev/null & tail=$!; cat >/dev/null; kill $tail 2>&-"


@dataclass(eq=False)
class Beats:
    """The heartbeats of one host as they arrive.

    Parameters
    ----------
    stream : Stream
        The console's lines.
    pattern : str
        What a heartbeat looks like.

    Attributes
    ----------
    seen : dict of int to float
        When each number arrived, by this machine's monotonic clock [s].
    """

    stream: Stream
    pattern: str
    seen: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, name="xlkit heartbeat", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop reading, and let the stream go."""
        self._over.set()
        self._thread.join()
        with suppress(HostError, OSError):
            self.stream.close()

    def _read(self) -> None:
        pattern, rest = re.compile(self.pattern), b""
        # A console that is lost costs the account from outside, and nothing of the migration.
        with suppress(HostError):
            while not self._over.is_set() and (data := self.stream.read(_TICK_S)) is not None:
                now_s = time.monotonic()
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    if match := pattern.search(line.decode(errors="replace")):
                        self.seen.setdefault(int(match[1]), now_s)


@dataclass(frozen=True)
class Watch:
    """Heartbeats on both hosts around one migration."""

    source: Beats
    destination: Beats
    settle_s: float

    def told(self, stop: RunStop) -> RunStop:
        """Add what was seen to how a run ended.

        Parameters
        ----------
        stop : RunStop
            The end of a run that was completed.

        Returns
        -------
        RunStop
            The same with one more part: the gap between the last heartbeat here and the first one there.
        """
        gap_s = self._gap_s()
        knowledge = Knowledge.UNKNOWN if gap_s is None else Knowledge.AT_MOST
        part = DowntimePart(name=PART, duration_s=gap_s, knowledge=knowledge, clock=CLOCK)
        return replace(stop, downtime=(*stop.downtime, part))

    def _gap_s(self) -> float | None:
        end_s = time.monotonic() + self.settle_s
        while self.source.seen:
            last = max(self.source.seen)
            later = [number for number in list(self.destination.seen) if number > last]
            if later:
                return self.destination.seen[min(later)] - self.source.seen[last]
            if time.monotonic() > end_s:
                break
            time.sleep(_TICK_S / 10)
        return None


@contextmanager
def watching(heartbeat: ConsoleHeartbeat, domain: str, source: Host, destination: Host) -> Iterator[Watch]:
    """Follow the console on both hosts while a migration runs.

    Parameters
    ----------
    heartbeat : ConsoleHeartbeat
        What to look for.
    domain : str
        Name of the guest.
    source, destination : Host
        The two hosts.

    Yields
    ------
    Watch
        What was seen.

    Raises
    ------
    HostError
        If a host cannot be reached.
    """
    script = heartbeat.script(domain)
    with _reading(source, script, heartbeat.pattern) as here, _reading(destination, script, heartbeat.pattern) as there:
        yield Watch(here, there, heartbeat.settle_s)


@contextmanager
def _reading(host: Host, script: str, pattern: str) -> Iterator[Beats]:
    beats = Beats(host.stream(script), pattern)
    try:
        yield beats
    finally:
        beats.close()
