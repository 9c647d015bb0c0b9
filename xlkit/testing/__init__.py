"""Proofs to inherit: what every backend and every policy keeps, and scripted parts to test against.

Nothing here imports a test framework: each check is a method whose name begins with ``test_``, which pytest finds in a
subclass whose name begins with ``Test``, and a failed check is an `AssertionError` that says what was expected.
"""

from xlkit.testing._backend import BackendContract
from xlkit.testing._calls import AnswersInTurn, Witness, recorded_calls
from xlkit.testing._expect import prove
from xlkit.testing._policy import PolicyContract
from xlkit.testing._scripted import ScriptedPages, ScriptedWorld

__all__ = [
    "AnswersInTurn",
    "BackendContract",
    "PolicyContract",
    "ScriptedPages",
    "ScriptedWorld",
    "Witness",
    "prove",
    "recorded_calls",
]
