"""Experiments: policies x workloads x repetitions, in shuffled blocks, within budgets, resumed where they ended."""

from xlkit.experiments._backends import Maker
from xlkit.experiments._plan import Budget, Cell, EarlyStop, Plan, Planned
from xlkit.experiments._reading import plan_from_data, read_plan
from xlkit.experiments._result import Progress, SweepResult
from xlkit.experiments._suites import suite, suites
from xlkit.experiments._sweep import sweep

__all__ = [
    "Budget",
    "Cell",
    "EarlyStop",
    "Maker",
    "Plan",
    "Planned",
    "Progress",
    "SweepResult",
    "plan_from_data",
    "read_plan",
    "suite",
    "suites",
    "sweep",
]
