"""The lab as fixtures: booted once, and a guest that is wherever the last migration left it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.xenlab.hosts import Lab, XenHost
from tests.xenlab.images import build
from xlkit.backends.xl import XlBackend
from xlkit.backends.xl_command import XlOptions
from xlkit.model import Migration, Run
from xlkit.runner import RunHandle, run, start
from xlkit.store import RunStore

FOLDER = Path(os.environ.get("XLKIT_XENLAB", "~/.cache/xlkit/xenlab")).expanduser()


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Build what is missing, boot both hosts, and end them whatever happens."""
    build(FOLDER)
    lab = Lab(FOLDER)
    lab.start()
    try:
        lab.create(lab.hosts[0])
        yield lab
    finally:
        lab.stop()


@dataclass
class Site:
    """Where the guest is now, where it can go, and how."""

    lab: Lab
    source: XenHost
    destination: XenHost
    backend: XlBackend
    store: RunStore

    @property
    def migration(self) -> Migration:
        return Migration("g1", self.destination.name, source=self.source.name)

    def run(self, policy: object) -> Run:
        return run(self.migration, policy, self.backend, store=self.store)

    def start(self, policy: object) -> RunHandle:
        return start(self.migration, policy, self.backend, store=self.store)

    def guest_is_well_at(self, host: XenHost) -> None:
        """Hold that exactly one guest runs, that it is there, that it goes on, and that its memory is whole."""
        assert [one.name for one in self.lab.hosts if one.has()] == [host.name]
        for one in self.lab.hosts:
            assert "incoming" not in one.run("xl list").out
            assert "migratedaway" not in one.run("xl list").out
        swept = host.beats()[-1][2]
        self.lab.wait_beating(host, more=15)
        last = host.beats()[-1]
        assert last[2] > swept
        assert last[3] == 0, f"pages are not what the guest wrote: {last}"

    def nothing_is_left(self) -> None:
        """Hold that neither cargo nor processes of ours are on the source."""
        assert self.source.run("test ! -e /var/lib/xlkit").status == 0
        assert self.source.run("ps -eo args | grep -E '[s]ave_helper|[o]bserve_helper|[l]aunch.py'").out == ""


@pytest.fixture
def site(lab: Lab, tmp_path: Path) -> Site:
    """Give a site with the guest on one host, writing 400 pages/s."""
    lab.ensure_guest()
    source, destination = sorted(lab.hosts, key=lambda host: not host.has())
    lab.rate(source, 400)
    backend = XlBackend(host=source.shell, options=XlOptions(ssh="/lab/plainsh"), way="helper")
    store = RunStore(os.environ.get("XLKIT_XENLAB_RUNS", tmp_path / "runs"))
    return Site(lab, source, destination, backend, store)
