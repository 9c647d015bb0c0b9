"""What a run will cost, as ranges: learned from earlier runs or from the passes so far, and scored afterwards."""

from xlkit.forecasts._learn import Learned, learn

__all__ = ["Learned", "learn"]
