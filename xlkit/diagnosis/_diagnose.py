"""diagnose(): all findings of a run, where the guest is first."""

from itertools import chain

from xlkit.diagnosis._anomalies import anomalies
from xlkit.diagnosis._downtime import downtime
from xlkit.diagnosis._finding import Diagnosis
from xlkit.diagnosis._outcome import one_line, outcome, precopy_ended
from xlkit.diagnosis._policies import other_policies
from xlkit.diagnosis._shape import convergence
from xlkit.errors import InvalidValueError
from xlkit.model import Run
from xlkit.policies import to_text

_ROOMS = (outcome, precopy_ended, convergence, downtime, other_policies, anomalies)


def diagnose(run: Run) -> Diagnosis:
    """Tell what a recorded run shows, in sentences that can be pasted into a ticket.

    Parameters
    ----------
    run : Run
        What was recorded: measured, simulated or imported; completed or not; with iterations or without.

    Returns
    -------
    Diagnosis
        Findings, each a sentence with its number, and the facts of it as data. Where the guest is comes first, then how
        precopy ended, whether the guest converged, where the downtime went, what another policy would have given, and
        what stands out in the record.

    Raises
    ------
    InvalidValueError
        If it is no run.

    See Also
    --------
    xlkit.replay : One run under any policy.

    Notes
    -----
    The guest *converged* where the last set read while it ran is at most a tenth of the first one read after pass 0.
    Otherwise three sets are needed, or it is *too short to tell*. Let q be the factor by which each of the last two
    passes changed the set, ``sqrt(last / third to last)``. It was *still converging* where q is at most 0.8. It
    *diverged* where the last set is larger than the first and q is at least 1.25, or the last set is 1.25 times the
    first. Else it *flat-lined*.

    The *floor* is where the dirty curve of the run meets the bandwidth its passes went at: the set that a pass dirties
    anew while it is sent. It needs three sets, of windows that differ by half.

    A pass is *slow* where it took three times what up to two passes on either side let one expect: as long as the
    neighbour, longer in proportion where its set is larger; the median of these.

    References
    ----------
    .. [1] Xen, ``tools/libs/guest/xg_sr_save.c``, ``send_memory_live()``: when the policy is asked, and what its
       counters count.
    .. [2] C. Clark et al., "Live Migration of Virtual Machines", NSDI 2005 (writable working set).

    Examples
    --------
    >>> import tempfile, xlkit
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = xlkit.run(
    ...         xlkit.Migration("demo"), xlkit.ThresholdPolicy(), xlkit.SimBackend(), store=xlkit.RunStore(folder)
    ...     )
    >>> print(diagnose(done).of("convergence")[0].sentence)
    Converged: the dirty set came down from 18,293 pages before pass 1 to 628 before pass 4, a tenth or less.
    """
    if not isinstance(run, Run):
        raise InvalidValueError(f"A diagnosis needs a recorded Run, for example RunStore()[-1], not {run!r}.")
    asked, policy = run.start.migration, "unknown" if run.start.policy is None else to_text(run.start.policy)
    title = (
        f"Run {run.run_id}: {asked.domain} from {asked.source} to {asked.destination}, {run.stop.status}. "
        f"Backend {one_line(run.start.backend).rstrip('.')} ({run.start.origin}), "
        f"policy {one_line(policy).rstrip('.')}."
    )
    findings = chain.from_iterable(room(run) for room in _ROOMS)
    return Diagnosis(run_id=run.run_id, title=title, findings=tuple(findings))
