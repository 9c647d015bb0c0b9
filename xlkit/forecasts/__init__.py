"""What a run will cost, as ranges: learned from earlier runs or from the passes so far, and scored afterwards."""

from xlkit.forecasts._calibration import calibration, scores
from xlkit.forecasts._forecast import MODELS, forecast
from xlkit.forecasts._learn import Learned, learn

__all__ = ["MODELS", "Learned", "calibration", "forecast", "learn", "scores"]
