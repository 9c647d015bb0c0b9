"""What somebody saw who watched a guest's heartbeats on the consoles of both hosts, by one clock.

It holds no iterations; it is the downtime as it shows from outside, to be set against the helper's own account.
"""

import re
from collections.abc import Iterable

from xlkit.errors import LogError
from xlkit.logs._origin import PolicyFrom, imported_start
from xlkit.model import Applied, DowntimePart, Knowledge, Origin, Run, RunStop, Setup, Side, Status, StopReason

CLOCK = "clock of the machine that watched both consoles"

_HOST = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,253}"
_MOVE = re.compile(
    rf"MOVE ({_HOST}) -> ({_HOST}): (\d{{1,9}}\.\d{{1,9}}) s seen from outside"
    r"(?:, guest's clock (\d{1,9}\.\d{1,9}) s)?(?:, heartbeats lost (\d{1,9}))?"
)
_GAP = re.compile(r"median gap (\d{1,9}\.\d{1,9})")


def sniff(head: str) -> bool:
    """Tell whether a text is an account of heartbeats.

    Parameters
    ----------
    head : str
        The beginning of the text.

    Returns
    -------
    bool
        Whether `parse` can read it.
    """
    return _MOVE.search(head) is not None


def parse(lines: Iterable[str], *, path: str = "<heartbeats>", policy_from: PolicyFrom | None = None) -> Run:  # noqa: ARG001
    """Read an account of heartbeats around one migration.

    Parameters
    ----------
    lines : iterable of str
        The account.
    path : str, default "<heartbeats>"
        Where the lines are from, for errors.
    policy_from : callable, optional
        Not used: heartbeats do not tell a stop rule.

    Returns
    -------
    Run
        An imported run without iterations, with the downtime as seen from outside [s].

    Raises
    ------
    LogError
        If the guest did not move.

    Examples
    --------
    >>> parse(["MOVE hosta -> hostb: 3.151 s seen from outside, guest's clock 0.601 s"]).stop.downtime_s
    3.151
    """
    lines = list(lines)
    moves = [match for line in lines if (match := _MOVE.search(line))]
    if len(moves) != 1:
        raise LogError(f"The guest moves {len(moves)} times in it; once is what can be read.", path=path)
    source, destination, gap, guest_gap, lost = moves[0].groups()
    told = {"guest_clock_s": guest_gap and float(guest_gap), "heartbeats_lost": lost and int(lost)}
    usual = next((match for line in lines if (match := _GAP.search(line))), None)
    told["usual_gap_s"] = usual and float(usual[1])
    known = {name: one for name, one in told.items() if one is not None}
    setup = Setup(
        settings={"format": "heartbeats", "iterations": "unknown", **known},
        applied=Applied.UNKNOWN,
        origin=Origin.IMPORTED,
        clock=CLOCK,
    )
    start = imported_start(lines, setup, hosts=(source, destination))
    # The guest ran for a while after its last heartbeat here and before its first one there.
    part = DowntimePart(name="heartbeat gap", duration_s=float(gap), knowledge=Knowledge.AT_MOST, clock=CLOCK)
    stop = RunStop(
        status=Status.COMPLETED,
        stop_reason=StopReason.UNKNOWN,
        downtime_s=part.duration_s,
        downtime=(part,),
        runs_at=Side.DESTINATION,
        message="Heartbeats only: the downtime is what shows from outside, the iterations are not known.",
    )
    return Run(start=start, iterations=(), stop=stop)
