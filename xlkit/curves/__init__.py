"""Distinct pages that a guest dirties in a window of time: read off recorded runs, and fitted as a concave curve."""

from xlkit.curves._curve import DirtyCurve
from xlkit.curves._fit import fit_curve, resampled_curves
from xlkit.curves._observed import Observed, observed

__all__ = ["DirtyCurve", "Observed", "fit_curve", "observed", "resampled_curves"]
