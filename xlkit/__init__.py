"""Drive, record, compare and explain live migrations: the knobs of Xen's precopy loop on any host.

The names below are loaded on first use, so that `import xlkit` is quick and needs no heavy library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xlkit import frames, views
    from xlkit.advice import advise
    from xlkit.backends.grid import simulate_grid
    from xlkit.backends.local import LocalBackend
    from xlkit.backends.sim import SimBackend
    from xlkit.diagnosis import diagnose
    from xlkit.engine.workload import HotCold, Idle, Stage, Stages, Sweep, Uniform
    from xlkit.errors import XlkitError
    from xlkit.experiments import Plan, sweep
    from xlkit.forecasts import calibration, forecast, learn
    from xlkit.model import Migration, Run
    from xlkit.panels import BrowsePanel, LaunchPanel, LearnPanel, WatchPanel
    from xlkit.policies import (
        DowntimeBudgetPolicy,
        LegacyXenPolicy,
        NoProgressPolicy,
        SusePolicy,
        ThresholdPolicy,
        TimeLimitPolicy,
        XcpNgPolicy,
        XenServerPolicy,
    )
    from xlkit.replays import replay, replay_grid
    from xlkit.runner import attach, run, start
    from xlkit.store import RunStore
    from xlkit.views.report import report

__version__ = "0.1.0"

__all__ = [
    "BrowsePanel",
    "DowntimeBudgetPolicy",
    "HotCold",
    "Idle",
    "LaunchPanel",
    "LearnPanel",
    "LegacyXenPolicy",
    "LocalBackend",
    "Migration",
    "NoProgressPolicy",
    "Plan",
    "Run",
    "RunStore",
    "SimBackend",
    "Stage",
    "Stages",
    "SusePolicy",
    "Sweep",
    "ThresholdPolicy",
    "TimeLimitPolicy",
    "Uniform",
    "WatchPanel",
    "XcpNgPolicy",
    "XenServerPolicy",
    "XlkitError",
    "advise",
    "attach",
    "calibration",
    "diagnose",
    "forecast",
    "frames",
    "learn",
    "replay",
    "replay_grid",
    "report",
    "run",
    "simulate_grid",
    "start",
    "sweep",
    "views",
]

_NAMES_OF = {
    "advice": ("advise",),
    "backends.local": ("LocalBackend",),
    "backends.sim": ("SimBackend",),
    "backends.grid": ("simulate_grid",),
    "diagnosis": ("diagnose",),
    "engine.workload": ("HotCold", "Idle", "Stage", "Stages", "Sweep", "Uniform"),
    "errors": ("XlkitError",),
    "experiments": ("Plan", "sweep"),
    "forecasts": ("calibration", "forecast", "learn"),
    "model": ("Migration", "Run"),
    "panels": ("BrowsePanel", "LaunchPanel", "LearnPanel", "WatchPanel"),
    "policies": (
        "DowntimeBudgetPolicy",
        "LegacyXenPolicy",
        "NoProgressPolicy",
        "SusePolicy",
        "ThresholdPolicy",
        "TimeLimitPolicy",
        "XcpNgPolicy",
        "XenServerPolicy",
    ),
    "replays": ("replay", "replay_grid"),
    "runner": ("attach", "run", "start"),
    "store": ("RunStore",),
    "views.report": ("report",),
}
_HOME_OF = {name: home for home, names in _NAMES_OF.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in ("frames", "views"):
        return import_module(f"{__name__}.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    # What a reader of tab completion came for, and no helper of this file.
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
