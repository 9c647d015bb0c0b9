"""``python -m tests.xenlab.measure [PAIRS]``: the kit with its helper against xl typed by hand, in turn, one guest."""

import sys
import time
from statistics import median

from tests.xenlab.__main__ import FOLDER, say
from tests.xenlab.hosts import Lab, XenHost
from tests.xenlab.images import build
from xlkit.backends.xl import XlBackend
from xlkit.backends.xl_command import XlOptions
from xlkit.model import Migration
from xlkit.policies import ThresholdPolicy

RATE_PAGES_S = 3000
"""Enough for both to run out of passes, so that both make the same number of them."""


def by_kit(source: XenHost, destination: XenHost) -> tuple[float, int]:
    """Migrate by the kit: seconds, and live passes."""
    backend = XlBackend(host=source.shell, options=XlOptions(ssh="/lab/plainsh"), way="helper")
    begun_s = time.monotonic()
    *passes, _ = backend.migrate(Migration("g1", destination.name), ThresholdPolicy())
    return time.monotonic() - begun_s, len(passes) - 1


def by_hand(source: XenHost, destination: XenHost) -> tuple[float, int]:
    """Migrate by xl alone, which does not tell its passes: five is its limit."""
    begun_s = time.monotonic()
    done = source.run(f"xl migrate -s /lab/plainsh g1 {destination.name}", timeout_s=300)
    if done.status:
        raise RuntimeError(done.err)
    return time.monotonic() - begun_s, 5


def main(pairs: int) -> None:
    """Measure pairs, and say the median of their ratios."""
    build(FOLDER)
    lab, ratios = Lab(FOLDER), []
    lab.start()
    try:
        lab.create(lab.hosts[0])
        lab.rate(lab.hosts[0], RATE_PAGES_S)
        for turn in range(pairs):
            took_s = {}
            # There and back: which of the two begins alternates, so that neither direction is always the kit's.
            for way in (by_kit, by_hand)[:: 1 if turn % 2 == 0 else -1]:
                source, destination = sorted(lab.hosts, key=lambda host: not host.has())
                took_s[way], passes = way(source, destination)
                say(f"{way.__name__}: {took_s[way]:.1f} s, {passes} live passes, from {source.name}")
                lab.wait_beating(destination)
            ratios.append(took_s[by_kit] / took_s[by_hand])
        say(f"ratios: {', '.join(f'{one:.3f}' for one in ratios)}; median {median(ratios):.3f}")
    finally:
        lab.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
