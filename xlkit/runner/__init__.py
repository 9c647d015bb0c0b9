"""run(): the recording loop; start(): the same in a thread, with a handle."""

from xlkit.runner._handle import RunHandle, start
from xlkit.runner._progress import Snapshot
from xlkit.runner._recording import run

__all__ = ["RunHandle", "Snapshot", "run", "start"]
