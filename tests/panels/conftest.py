"""A backend whose passes end when the test says so."""

import threading

import pytest

from xlkit.backends.sim import SimBackend


class GatedBackend(SimBackend):
    """The simulator, held before each pass is told until `let` allows it or it is aborted."""

    def __post_init__(self):
        super().__post_init__()
        self._gate = threading.Semaphore(0)

    def let(self, passes=1000):
        self._gate.release(passes)

    def migrate(self, migration, policy):
        for event in super().migrate(migration, policy):
            while not self._gate.acquire(timeout=0.01) and not policy.abort_requested():
                pass
            yield event


@pytest.fixture
def gated():
    return GatedBackend()
