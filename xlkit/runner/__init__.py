"""Record runs: `run` does it in this thread, `start` in one of its own, with a handle."""

from xlkit.runner._handle import RunHandle, start
from xlkit.runner._progress import Snapshot
from xlkit.runner._recording import run

__all__ = ["RunHandle", "Snapshot", "run", "start"]
