"""The text of ``xl migrate``, live or old, of any verbosity and of patched trees.

A stock xl tells phases, never iterations, whatever the verbosity; the run then says so and has none. Iterations are
told by the debug line of the ``--min_remaining`` series, by SUSE's packages, by progress lines and by xlkit's own save
helper.
"""

from collections.abc import Iterable
from datetime import datetime

from xlkit.errors import LogError
from xlkit.logs._ending import ending
from xlkit.logs._origin import PolicyFrom, imported_start
from xlkit.logs._phrases import phrases
from xlkit.logs._rates import CLOCK as RATES_CLOCK
from xlkit.logs._rates import Rate, Rates
from xlkit.logs._stamps import CLOCK as STAMPS_CLOCK
from xlkit.logs._stamps import RESOLUTION_S, SenderStamps
from xlkit.logs.passes import PassLedger, PolicyCall
from xlkit.model import (
    Applied,
    Decision,
    DowntimePart,
    Iteration,
    Knowledge,
    Origin,
    Phase,
    Run,
    RunStop,
    Setup,
    Side,
    Status,
    StopReason,
)

PHASES = (
    "ready",
    "saving",
    "suspend_asked",
    "suspended",
    "saved",
    "acknowledged",
    "permitted",
    "started",
    "successful",
)
"""The phases that xl's text can name, in order."""

_MARKS = (
    "migration target:", "migration sender:", "Saving to migration stream", "Migration successful.", "Migration failed",
    "Migration aborted", "migration receiver", "precopy_policy:", "SUSEINFO: ", "cannot migrate",
)  # fmt: skip
_DECISIONS = {"continue": Decision.CONTINUE, "stop": Decision.STOP_AND_COPY, "abort": Decision.ABORT}
_STATED_REASONS = (StopReason.MAX_ITERS, StopReason.MIN_REMAINING, StopReason.MAX_FACTOR)
_PARTS = (("suspend", "suspend_asked", "suspended"), ("copy", "suspended", "saved"), ("resume", "saved", "started"))
_HELPERS_CLOCK = "monotonic clock of the source, from the start of the save"
_NO_TIMES = "none: the text tells no times, and those of the run are 0"
_PHASES_ONLY = "The text names phases only, as that of a stock xl does at any verbosity: the iterations are not known."


def sniff(head: str) -> bool:
    """Tell whether a text is that of a migration by xl.

    Parameters
    ----------
    head : str
        The beginning of the text.

    Returns
    -------
    bool
        Whether `parse` can read it.
    """
    return any(mark in head for mark in _MARKS)


def parse(lines: Iterable[str], *, path: str = "<text>", policy_from: PolicyFrom | None = None) -> Run:  # noqa: ARG001
    """Read the text of one migration.

    Parameters
    ----------
    lines : iterable of str
        What xl wrote to its standard error, with both ends of the migration in it.
    path : str, default "<text>"
        Where the lines are from, for errors.
    policy_from : callable, optional
        Not used: xl's text does not tell its stop rule.

    Returns
    -------
    Run
        An imported run.

    Raises
    ------
    LogError
        If no line of it is about a migration.

    Examples
    --------
    >>> run = parse(["migration target: Ready to receive domain.", "Migration successful."])
    >>> run.iterations, run.stop.status
    ((), <Status.COMPLETED: 'completed'>)
    """
    text = XlGrammar()
    lines = list(lines)
    iterations = tuple(one for line in lines for one in text.feed(line))
    if not text.seen:
        raise LogError("No line is about a migration by xl.", path=path, line_number=len(lines))
    start = imported_start(lines, text.setup(), started_at=text.started_at)
    return Run(start=start, iterations=iterations, stop=text.stop())


class XlGrammar:
    """Read xl's text line by line; the same for a text that is still growing.

    Lines of two writers, glued or cut, are normal: a phrase is looked for anywhere in a line, and there may be several.

    Parameters
    ----------
    clock : str or None, default None
        Which clock the times given to `feed` are from; None when the lines tell their own, or none.

    Attributes
    ----------
    seen : dict of str to (float or None)
        The phrases that were seen, each with its first time since the start of the run [s] where it is known.
    memory_pages : int or None
        Pages that the guest has [page of 4096 B], where the text tells.
    versions : dict of str to str
        Version of Xen at the source, where the text tells.
    """

    def __init__(self, *, clock: str | None = None) -> None:
        self.seen: dict[str, float | None] = {}
        self.memory_pages: int | None = None
        self.versions: dict[str, str] = {}
        self._passes, self._rates, self._stamps = PassLedger(), Rates(), SenderStamps()
        self._facts: dict[str, int | str] = {}
        self._iterations = 0
        self._given_clock = clock

    def feed(self, line: str, at_s: float | None = None) -> list[Iteration]:
        """Read one line.

        Parameters
        ----------
        line : str
            The line.
        at_s : float or None, default None
            When it was written, since the start of the run [s]; None to take what the line itself tells.

        Returns
        -------
        list of Iteration
            The passes that are known to have ended now.
        """
        if self._given_clock is None:
            at_s = self._stamps.at_s(line)
        self._hear_time(at_s)
        done = [one for kind, values in phrases(line) for one in self._hear(kind, values, at_s)]
        self._iterations += len(done)
        return done

    @property
    def facts(self) -> dict[str, object]:
        """What the text tells of the guest, and which phases it names."""
        return {"phases": [one for one in PHASES if one in self.seen], **self._facts}

    def setup(self) -> Setup:
        """Tell what is recorded of a run of which there is nothing but this text.

        Returns
        -------
        Setup
            With the phases and the facts of the guest as settings.
        """
        numbers = {} if self._iterations else {"iterations": "unknown"}
        return Setup(
            settings={"format": "xl text", **self.facts, **numbers},
            applied=self.applied,
            origin=Origin.IMPORTED,
            clock=self.clock,
            memory_pages=self.memory_pages,
            versions=self.versions,
        )

    @property
    def applied(self) -> Applied:
        """How the policy was applied, as far as the text tells."""
        if "helper_call" in self.seen:
            return Applied.HELPER
        if not {"call", "old_call", "rate"}.isdisjoint(self.seen):
            return Applied.NATIVE
        return Applied.BUILT_IN if "stock_helper" in self.seen else Applied.UNKNOWN

    @property
    def clock(self) -> str:
        """Which clock the times are from."""
        if self._given_clock is not None:
            return self._given_clock
        if self._stamps.pid is not None:
            return STAMPS_CLOCK
        if "helper_call" in self.seen:
            return _HELPERS_CLOCK
        return RATES_CLOCK if self._rates.heard else _NO_TIMES

    @property
    def started_at(self) -> datetime | None:
        """Date of the first line, where the text tells it in UTC."""
        return self._stamps.started_at

    @property
    def ending(self) -> tuple[Status, Side, str]:
        """How the run ended, where the guest runs, and what to tell people."""
        return ending(self.seen)

    def stop(self) -> RunStop:
        """Tell how the run ended, as far as the text goes.

        Returns
        -------
        RunStop
            `INCOMPLETE` where the text ends before the migration does.
        """
        status, side, message = self.ending
        if not self._iterations:
            message = f"{message} {_PHASES_ONLY}".strip()
        return RunStop(
            status=status,
            stop_reason=self._reason(status),
            ended_s=self._passes.now_s if self._passes.timed else None,
            downtime=self._downtime(status),
            runs_at=side,
            message=message,
        )

    def _hear_time(self, at_s: float | None) -> None:
        self._passes.hear_time(at_s)
        if at_s is not None:
            # xl's own lines bear no stamp: the next line that does tells how late they can have been written.
            self.seen |= {kind: at_s for kind in self.seen.keys() & set(PHASES) if self.seen[kind] is None}

    def _hear(self, kind: str, values: dict[str, str], at_s: float | None) -> list[Iteration]:
        if kind == "save_complete":
            # The receiver's helper says the same when it has restored.
            kind = "saved"
        if kind in self.seen and kind in PHASES:
            return []
        self.seen.setdefault("saving" if kind == "guest" else kind, at_s)
        if values:
            return self._hear_values(kind, values, at_s)
        return self._hear_phase(kind)

    def _hear_values(self, kind: str, values: dict[str, str], at_s: float | None) -> list[Iteration]:
        match kind:
            case "call" | "old_call" | "helper_call":
                call = self._call(values, at_s)
                self._facts |= call.facts
                return self._rates.added_to(self._passes.heard(call), timed=self._passes.timed)
            case "rate":
                rate = Rate(int(values["pages"]), int(values["bytes"]), float(values["s"]))
                return self._rates.take(rate, alone=self._passes.last_call is None)
            case "frames":
                return self._passes.frames(int(values["i"]), int(values["total"]))
            case "guest":
                self._facts |= {"domid": int(values["domid"]), "guest_type": values["type"]}
            case "domid":
                self._facts.setdefault("domid", int(values["domid"]))
            case "allocated":
                self.memory_pages = int(values["pages"])
            case "p2m":
                self._facts["p2m_pages"] = int(values["pages"], 16)
            case _:
                self.versions.setdefault("xen", values["version"])
        return []

    def _call(self, values: dict[str, str], at_s: float | None) -> PolicyCall:
        dirty_pages = int(values["d"])
        if at_s is None and "s" in values and self._stamps.pid is None:
            at_s = float(values["s"])
        return PolicyCall(
            iteration=int(values["i"]),
            dirty_pages=None if dirty_pages < 0 else dirty_pages,
            total_written_pages=int(values["w"]),
            decision=_DECISIONS.get(values.get("decision", "")),
            at_s=at_s,
        )

    def _hear_phase(self, kind: str) -> list[Iteration]:
        match kind:
            case "suspend_asked":
                done = self._passes.suspend_asked()
            case "suspended":
                done = self._passes.guest_suspended()
            case "saved" | "acknowledged":
                done = self._passes.save_ended()
                phase = Phase.STOP_AND_COPY
                return self._rates.added_to(done, timed=self._passes.timed) or self._rates.flush(phase)
            case _:
                return []
        return self._rates.added_to(done, timed=self._passes.timed) or self._rates.flush(Phase.PRECOPY)

    def _reason(self, status: Status) -> StopReason:
        if status is Status.ABORTED:
            return StopReason.ABORTED
        stated = next((one for one in _STATED_REASONS if one in self.seen), None)
        call = self._passes.last_call
        if stated is not None:
            return stated
        if self._passes.suspended or status is Status.COMPLETED:
            # Only the rule that counts passes can fire right after a pass, where the dirty count is unknown.
            after_pass = call is not None and call.dirty_pages is None
            return StopReason.MAX_ITERS if after_pass else StopReason.UNKNOWN
        return StopReason.FAILED if status is Status.FAILED else StopReason.UNKNOWN

    def _downtime(self, status: Status) -> tuple[DowntimePart, ...]:
        if status is not Status.COMPLETED and "suspend_asked" not in self.seen:
            return ()
        return tuple(self._part(name, self.seen.get(begin), self.seen.get(end)) for name, begin, end in _PARTS)

    def _part(self, name: str, begun_s: float | None, ended_s: float | None) -> DowntimePart:
        if begun_s is None or ended_s is None:
            return DowntimePart(name=name, duration_s=None, knowledge=Knowledge.UNKNOWN, clock=self.clock)
        duration_s = ended_s - begun_s + (0.0 if self._given_clock else RESOLUTION_S)
        return DowntimePart(name=name, duration_s=duration_s, knowledge=Knowledge.AT_MOST, clock=self.clock)
