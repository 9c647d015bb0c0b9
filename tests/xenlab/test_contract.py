"""What every backend keeps, kept by two real Xen hosts."""

from collections.abc import Iterator

import pytest

from tests.xenlab.hosts import Lab, XenHost
from xlkit.backends.xl import XlBackend
from xlkit.backends.xl_command import XlOptions
from xlkit.model import Iteration, Migration, RunStop, Setup, Side
from xlkit.protocols import Policy
from xlkit.testing import BackendContract

pytestmark = [pytest.mark.xenlab, pytest.mark.timeout(600)]


class TestXenKeepsTheContract(BackendContract):
    @pytest.fixture(autouse=True)
    def _give(self, lab: Lab) -> None:
        self.lab = lab
        lab.ensure_guest()
        lab.rate(self._by_guest()[0], 2000)

    def make_backend(self) -> "_FromWhereItIs":
        return _FromWhereItIs(self.lab)

    def make_migration(self) -> Migration:
        source, destination = self._by_guest()
        return Migration("g1", destination.name, source=source.name)

    def running_sides(self, backend: "_FromWhereItIs") -> list[Side]:
        migration = backend.last or self.make_migration()
        here = [host.name for host in self.lab.hosts if host.has()]
        return [Side.SOURCE if name == migration.source else Side.DESTINATION for name in here]

    def _by_guest(self) -> list[XenHost]:
        return sorted(self.lab.hosts, key=lambda host: not host.has())


class _FromWhereItIs(XlBackend):
    """Drives whichever host is the source of a migration."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(options=XlOptions(ssh="/lab/plainsh"), way="helper", answer_within_s=60)
        self._shells = {host.name: host.shell for host in lab.hosts}
        self.last: Migration | None = None

    def preflight(self, migration: Migration) -> Setup:
        self.host = self._shells[migration.source]
        return super().preflight(migration)

    def migrate(self, migration: Migration, policy: Policy) -> Iterator[Iteration | RunStop]:
        self.host, self.last = self._shells[migration.source], migration
        yield from super().migrate(migration, policy)
