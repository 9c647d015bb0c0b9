"""Record runs: `run` does it in this thread, `start` in one of its own; `attach` takes one up that lost its watcher."""

from xlkit.runner._attaching import attach
from xlkit.runner._handle import RunHandle, start
from xlkit.runner._progress import Snapshot
from xlkit.runner._recording import run

__all__ = ["RunHandle", "Snapshot", "attach", "run", "start"]
