"""How a recorded run would have ended under another policy: pure numbers, no drawing, nothing stored.

The package is not named after its function: a submodule `replay` would take the place of the function in the face as
soon as it was imported.
"""

from xlkit.replays._grid import replay_grid
from xlkit.replays._outcome import Beyond, Replay
from xlkit.replays._replay import replay
from xlkit.replays._sentence import replay_data, replay_sentence

__all__ = ["Beyond", "Replay", "replay", "replay_data", "replay_grid", "replay_sentence"]
