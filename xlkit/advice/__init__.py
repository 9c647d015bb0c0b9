"""Which `min_remaining` and `max_iters` keep a pause budget, from what earlier runs measured."""

from xlkit.advice._advice import Advice, Help
from xlkit.advice._advise import advise
from xlkit.advice._telling import Verdict

__all__ = ["Advice", "Help", "Verdict", "advise"]
