"""``python -m tests.xenlab.record FOLDER``: migrate under four policies and three workloads, and keep the runs."""

import sys
import time
from pathlib import Path

from tests.xenlab.__main__ import FOLDER, say
from tests.xenlab.hosts import Lab
from tests.xenlab.images import build
from xlkit.backends.xl import XlBackend
from xlkit.backends.xl_command import XlOptions
from xlkit.model import Migration
from xlkit.policies import ThresholdPolicy
from xlkit.runner import run
from xlkit.store import RunStore

RATES_PAGES_S = (20, 400, 3000)
POLICIES = (
    ThresholdPolicy(),
    ThresholdPolicy(max_iters=2),
    ThresholdPolicy(min_remaining=1, max_iters=10),
    ThresholdPolicy(min_remaining=1000, max_iters=30),
)


def main(folder: Path) -> None:
    """Boot the lab, let the guest go back and forth, and end the lab."""
    build(FOLDER)
    lab, store = Lab(FOLDER), RunStore(folder)
    lab.start()
    try:
        lab.create(lab.hosts[0])
        for rate_pages_s in RATES_PAGES_S:
            for policy in POLICIES:
                source, destination = sorted(lab.hosts, key=lambda host: not host.has())
                lab.rate(source, rate_pages_s)
                backend = XlBackend(host=source.shell, options=XlOptions(ssh="/lab/plainsh"), way="helper")
                begun_s = time.monotonic()
                recorded = run(Migration("g1", destination.name, source=source.name), policy, backend, store=store)
                lab.wait_beating(destination)
                pages = [one.dirty_pages for one in recorded.iterations]
                took_s = time.monotonic() - begun_s
                say(f"{rate_pages_s} pages/s, {policy}: {pages}, {recorded.stop.stop_reason}, {took_s:.0f} s")
    finally:
        lab.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
