"""Real migrations between two processes of this machine, as `xlkit` makes them."""

from dataclasses import dataclass
from typing import Any

from tests.benchmarks.table import Skipped
from xlkit.backends.local import LocalBackend
from xlkit.errors import EngineError, PreflightError
from xlkit.model import Iteration, Migration, RunStop
from xlkit.policies import ThresholdPolicy
from xlkit.protocols import Policy
from xlkit.units import PAGE_BYTES


@dataclass(frozen=True, kw_only=True)
class Live:
    """A migration that went well: its passes, and how it ended."""

    passes: tuple[Iteration, ...]
    stop: RunStop

    @property
    def first_pass_gib_s(self) -> float:
        """Throughput of pass 0, delivered [GiB/s]."""
        first = self.passes[0]
        assert first.sent_pages is not None
        return first.sent_pages * PAGE_BYTES / (first.ended_s - first.begun_s) / 2**30

    @property
    def downtime_s(self) -> float:
        """From asking the guest to suspend until it runs at the destination [s]."""
        assert self.stop.downtime_s is not None
        return self.stop.downtime_s

    @property
    def total_s(self) -> float:
        """From begin to end [s]."""
        assert self.stop.ended_s is not None
        return self.stop.ended_s


def migrate(policy: Policy | None = None, **settings: Any) -> Live:
    """Boot a guest, migrate it, end it.

    Raises
    ------
    Skipped
        If this machine cannot hold the guest twice.
    """
    with LocalBackend(**settings) as backend:
        try:
            backend.preflight(Migration("guest"))
        except PreflightError as error:
            raise Skipped(str(error)) from error
        *passes, stop = backend.migrate(Migration("guest"), policy or ThresholdPolicy())
    if not isinstance(stop, RunStop) or stop.downtime_s is None:
        raise EngineError(f"The migration that was to be measured failed: {stop}")
    return Live(passes=tuple(one for one in passes if isinstance(one, Iteration)), stop=stop)
