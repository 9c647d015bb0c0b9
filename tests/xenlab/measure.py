"""``python -m tests.xenlab.measure [PAIRS]``: the kit with its helper against xl typed by hand, in turn, one guest.

Both make the same passes: the guest writes so fast that each of them runs out of five. Two ratios are printed: of the
time that xl takes in dom0, which is the migration's total time, and of the time that the caller waits, in which the kit
also finds out what the host can do, carries its helper there and removes it again.
"""

import json
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

from tests.xenlab.__main__ import FOLDER, say
from tests.xenlab.hosts import Lab, XenHost
from tests.xenlab.images import build
from xlkit.backends.xl import XlBackend
from xlkit.backends.xl_command import XlOptions
from xlkit.backends.xl_run import HostRun
from xlkit.model import Migration
from xlkit.policies import ThresholdPolicy

RATE_PAGES_S = 6_000
MEMORY_MIB = 320
_BY_HAND = """read begun _ </proc/uptime
xl migrate -s /lab/plainsh g1 {} || exit
read ended _ </proc/uptime
echo $begun $ended"""


class Took(NamedTuple):
    """How long a migration took [s]: xl in dom0, and its caller."""

    in_dom0_s: float
    caller_s: float
    passes: int


def by_kit(source: XenHost, destination: XenHost) -> Took:
    """Migrate by the kit."""
    backend, times_s = XlBackend(host=source.shell, options=XlOptions(ssh="/lab/plainsh"), way="helper"), {}
    lines, begun_s = HostRun.lines, time.monotonic()

    def heard(self: HostRun) -> object:
        for line in lines(self):
            if line:
                event = json.loads(line)
                times_s[event["event"]] = event["t"]
            yield line

    HostRun.lines = heard
    try:
        *passes, _ = backend.migrate(Migration("g1", destination.name), ThresholdPolicy())
    finally:
        HostRun.lines = lines
    took_s = time.monotonic() - begun_s
    return Took(times_s["xl-exited"] - times_s["launched"], took_s, len(passes) - 1)


def by_hand(source: XenHost, destination: XenHost) -> Took:
    """Migrate by xl alone, which does not tell its passes: five is its limit."""
    begun_s = time.monotonic()
    done = source.run(_BY_HAND.format(destination.name), timeout_s=300)
    if done.status:
        raise RuntimeError(done.err)
    took_s = time.monotonic() - begun_s
    begun, ended = map(float, done.out.split())
    return Took(ended - begun, took_s, 5)


def pair(lab: Lab, ways: list[Callable[[XenHost, XenHost], Took]]) -> dict[str, Took]:
    """Let the guest go there one way and back the other."""
    took = {}
    for way in ways:
        source, destination = sorted(lab.hosts, key=lambda host: not host.has())
        took[way.__name__] = one = way(source, destination)
        say(
            f"{way.__name__}: {one.in_dom0_s:.2f} s in dom0, {one.caller_s:.2f} s for the caller, {one.passes} live "
            f"passes, from {source.name}"
        )
        lab.wait_beating(destination)
    return took


def main(pairs: int) -> None:
    """Measure pairs, and say the medians of their ratios."""
    build(FOLDER)
    lab = Lab(FOLDER)
    lab.start()
    try:
        lab.create(lab.hosts[0], more=f"memory={MEMORY_MIB}")
        lab.rate(lab.hosts[0], RATE_PAGES_S)
        say("warm-up")
        pair(lab, [by_kit, by_hand])
        # Which of the two begins alternates, so that neither direction is always the kit's.
        took = [pair(lab, [by_kit, by_hand][:: 1 if turn % 2 else -1]) for turn in range(pairs)]
        for name in ("in_dom0_s", "caller_s"):
            ratios = [getattr(one["by_kit"], name) / getattr(one["by_hand"], name) for one in took]
            say(f"{name}, kit / hand: {', '.join(f'{one:.3f}' for one in ratios)}; median {median(ratios):.3f}")
    finally:
        lab.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
