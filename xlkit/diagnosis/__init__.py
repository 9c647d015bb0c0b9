"""What a recorded run shows to whoever has to explain it: findings, each a sentence with its number and its facts."""

from xlkit.diagnosis._diagnose import diagnose
from xlkit.diagnosis._finding import Diagnosis, Finding, Kind

__all__ = ["Diagnosis", "Finding", "Kind", "diagnose"]
