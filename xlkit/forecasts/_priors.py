"""What is taken for granted before anything was seen, each with where it comes from."""

from dataclasses import dataclass
from typing import Final

from xlkit.model import Run

BANDWIDTH_OFF: Final = 0.01
"""Deviation of the logarithm of the bandwidth from run to run, before two runs were seen."""
PASS_OFF: Final = 0.3
WAIT_OFF: Final = 0.4
FIXED_OFF: Final = 0.15
AROUND_OFF: Final = 0.3
UNSEEN_OFF: Final = 0.5


@dataclass(frozen=True, slots=True)
class Costs:
    """What a backend costs as long as nothing of it was seen [s].

    Parameters
    ----------
    wait_s, collect_s : float
        From a pass to the next collection, and that collection.
    suspend_s, fixed_s : float
        From asking the guest to suspend to the collection of the final set; the whole downtime but for the transfer.
    pass_s : float
        What a pass takes beside its bytes.
    off : float
        Deviation of the logarithm of each.
    """

    wait_s: float
    collect_s: float
    suspend_s: float
    fixed_s: float
    pass_s: float
    off: float


LIVE: Final = Costs(wait_s=1e-3, collect_s=2e-4, suspend_s=1e-4, fixed_s=6e-4, pass_s=2e-4, off=0.3)
"""The live engine on a small machine: the defaults of `SimBackend`, which were measured on it."""
XEN: Final = Costs(wait_s=5e-3, collect_s=5e-3, suspend_s=0.05, fixed_s=0.25, pass_s=0.01, off=1.2)
"""Between the best downtime of Clark et al. (60 ms) and that of the emulated hosts of `data/runs/xen_lab.parquet` (0.9
to 1.6 s); the times between passes are of the same runs."""


def costs(run: Run) -> Costs:
    """Choose by the backend."""
    return LIVE if run.start.backend in {"local", "sim"} else XEN
