"""What is taken for granted before anything was seen, each with where it comes from.

None was fitted to the runs that `make bench-accuracy` scores. *Other runs* means: 90 runs of the live engine under six
other workloads (64 MiB; 250, 500 and 1000 Mbit/s; the machine shared). *The lab* means `data/runs/xen_lab.parquet`:
twelve runs on emulated Xen hosts of a loaded machine, which scatter more than real ones should.
"""

from dataclasses import dataclass, replace
from typing import Final

WEIGHT: Final = 2.0
"""How many values a prior deviation counts for, beside those that were seen: as many as the fewest that tell one."""
RATE_OFF: Final = 0.1
"""Deviation of the logarithm of a constant rate: that of Akoush et al. (MASCOTS 2010), who find times within 90 % of
what they foretell."""
TIMES_LOG10_S: Final = (-2.5, 1.5)
"""Within which powers of ten working sets fill up [s], where only the rate of writing is known: from a few
milliseconds, below which hardly a pass is sent, to the length of a long pass 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What a kind of backend costs as long as nothing of it was seen [s], and deviations of the logarithm.

    Parameters
    ----------
    wait_s, collect_s : float
        From a pass to the next collection, and that collection.
    answer_s : float
        How long an answer of the policy takes; two are part of the wait.
    suspend_s, fixed_s : float
        From asking the guest to suspend to the collection of the final set; the whole downtime but for the transfer.
    pass_s : float
        What a pass takes beside its bytes.
    growth, sized_pages : float
        By which power of the size of a set the wait and the fixed downtime grow, and the size that they stand for.
    unseen_off : float
        Deviation of each of these before one was seen.
    speed_off : float
        Deviation of the bandwidth from pass to pass.
    bandwidth_off, pass_off, wait_off, fixed_off, around_off : float
        Deviation, from run to run, of the bandwidth, of what a pass takes beside its bytes, of the times between passes
        (from pass to pass), of the fixed downtime, and of what comes before pass 0 and after the hand-over.
    run_off, set_off : float
        Deviation of the sets from the curve: of all sets of a run alike, and of each by itself.
    counting : float
        Variance of a set's size as a share of the size; 1 for counting events that do not know of each other.
    """

    wait_s: float
    collect_s: float
    answer_s: float
    suspend_s: float
    fixed_s: float
    pass_s: float
    growth: float
    sized_pages: float
    unseen_off: float
    speed_off: float
    bandwidth_off: float
    pass_off: float
    wait_off: float
    fixed_off: float
    around_off: float
    run_off: float
    set_off: float
    counting: float


PROGRAM: Final = Prior(
    wait_s=1e-3, collect_s=2e-4, answer_s=3e-4, suspend_s=1.5e-4, fixed_s=8e-4, pass_s=2e-4, unseen_off=0.3,
    growth=0.1, sized_pages=200.0,
    speed_off=5e-4, bandwidth_off=5e-4, pass_off=0.3, wait_off=0.4, fixed_off=0.17, around_off=0.3,
    run_off=0.002, set_off=0.004, counting=0.07,
)  # fmt: skip
"""The live engine: a program that does the same again and again, over an emulated link. Costs and growth, of the other
runs: a fixed downtime of 0.6 ms with a final set below 50 pages, 0.8 ms up to 500, 1.0 ms up to 3000, 1.1 ms above;
waits of 0.8 ms after a pass of 50 to 500 pages, 1.0 ms up to 3000, 1.3 ms above, and 0.3 ms less for an answer less.
Deviations, of the other runs: bandwidth below 2e-4 from run to run and 5e-5 to 5e-4 from pass to pass (the prior is
more, as a neighbour may take the processor), passes 0.12 to 0.28 ms, waits 0.9 to 1.4 ms, fixed downtimes 0.17 within a
workload and link, sets of a run 0.001 to 0.005 about the curve, single sets of 1000 pages and more 0.004 to 0.007, and
smaller ones a fifth to a third of the chance of counting, whose square is the last value."""
SIMULATED: Final = replace(PROGRAM, growth=0.0)
"""The simulator, whose costs do not depend on the size of a set."""
HOSTS: Final = Prior(
    wait_s=5e-3, collect_s=5e-3, answer_s=0.0, suspend_s=0.05, fixed_s=0.25, pass_s=0.01, unseen_off=1.2,
    growth=0.0, sized_pages=1.0,
    speed_off=0.15, bandwidth_off=0.15, pass_off=0.3, wait_off=0.6, fixed_off=0.3, around_off=0.4,
    run_off=0.15, set_off=0.2, counting=1.0,
)  # fmt: skip
"""Any other guest. Costs: between the best downtime of Clark et al. (60 ms, NSDI 2005) and the lab's (0.8 to 2.5 s);
times between passes of the lab. Deviations: half to two thirds of the lab's (bandwidth of pass 0: 0.3, fixed
downtime 0.4, time before pass 0 0.5, sets 0.3 to 0.4), since its machine was loaded."""


def prior(backend: str) -> Prior:
    """Choose by the backend."""
    return {"local": PROGRAM, "sim": SIMULATED}.get(backend, HOSTS)
