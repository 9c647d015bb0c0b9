"""The grammar of the save helper's events."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from xlkit.errors import LogError
from xlkit.logs._facts import BrokenEventError, count, read_event, seconds
from xlkit.logs._orders import Orders
from xlkit.logs._origin import PolicyFrom, as_policy
from xlkit.logs._phrases import phrases
from xlkit.logs.passes import PassLedger, PolicyCall
from xlkit.logs.xl import XlGrammar
from xlkit.model import (
    Applied,
    Control,
    Decision,
    DowntimePart,
    Iteration,
    Knowledge,
    RunStop,
    Side,
    Status,
    StopReason,
)

CLOCK = "monotonic clock of the source"
_DECISIONS = {"continue": Decision.CONTINUE, "stop": Decision.STOP_AND_COPY, "abort": Decision.ABORT}

_SAVED = "The save ended without error; how the hand-over went is not among the events: see xl's text, or both hosts."
_ENDLESS = "The events end before the save does; look at both hosts to see where the guest runs."
_ABORTED = "Aborted before the guest was suspended; it ran on at the source throughout."
_FAILED = "The save failed before the guest was suspended; it ran on at the source throughout."
_FAILED_PAUSED = (
    "The save failed while the guest was suspended; xl should have resumed it at the source: see `xl list` there."
)


class EventGrammar:
    """Read the save helper's events line by line; the same for a file that is still growing.

    Parameters
    ----------
    path : str, default "<events>"
        Where the lines are from, for errors.
    policy_from : callable, optional
        Turns a recorded stop rule into a policy, as `xlkit.policies.from_settings` does; without it policies are None.

    Attributes
    ----------
    suspend_asked_s, suspended_s, saved_s : float or None
        When the guest was asked to suspend, stood still, and was saved, since the start of the run [s].
    handed_over : bool
        Whether the helper left the save to the stock one.
    text : XlGrammar
        What xl wrote meanwhile, where the events hold it.
    """

    def __init__(self, *, path: str = "<events>", policy_from: PolicyFrom | None = None) -> None:
        self.suspend_asked_s: float | None = None
        self.suspended_s: float | None = None
        self.saved_s: float | None = None
        self.handed_over = False
        self.text = XlGrammar(clock=CLOCK)
        self._path, self._policy_from = path, policy_from
        self._line_number = 0
        self._passes, self._orders = PassLedger(), Orders(policy_from)
        self._facts: dict[str, Any] = {}
        self._wall_s: float | None = None
        self._result: int | None = None
        self._reason: StopReason | None = None
        self._problem = ""

    def feed(self, line: str, line_number: int | None = None) -> list[Iteration | Control]:
        """Read one whole line.

        Parameters
        ----------
        line : str
            One event.
        line_number : int or None, default None
            Its place in its file, for errors; None counts on.

        Returns
        -------
        list of Iteration or Control
            What is known to have ended, or to have been taken up, now.

        Raises
        ------
        LogError
            If the line is no event.
        """
        self._line_number = line_number or self._line_number + 1
        try:
            facts = read_event(line)
            self._passes.hear_time(seconds(facts, "t"))
            return self._hear(facts["event"], facts)
        except BrokenEventError as error:
            raise LogError(str(error), path=self._path, line_number=self._line_number, text=line) from error

    @property
    def waiting_orders(self) -> int:
        """How many orders of an operator have arrived that no call of the policy has obeyed yet."""
        return self._orders.waiting

    @property
    def settings(self) -> dict[str, Any]:
        """What the events tell of the migration, for the record."""
        policy = {} if self._orders.policy is None else {"policy": self._orders.policy}
        return {"format": "helper events", **self._facts, **policy}

    @property
    def policy(self) -> Any:
        """The stop rule at the start, None where there is none or nobody to read it."""
        return as_policy(self._orders.policy, self._policy_from)

    @property
    def applied(self) -> Applied | None:
        """How the policy was applied; None of a helper that only looked on."""
        if self.handed_over:
            return Applied.BUILT_IN
        return None if self._orders.policy is None else Applied.HELPER

    @property
    def memory_pages(self) -> int | None:
        """Pages that the guest has [page of 4096 B], where the helper tells."""
        pages: int | None = self._facts.get("memory_pages")
        return pages

    @property
    def started_at(self) -> datetime | None:
        """Date of time 0 by the source's wall clock."""
        return None if self._wall_s is None else datetime.fromtimestamp(0, UTC) + timedelta(seconds=self._wall_s)

    def stop(self) -> RunStop:
        """Tell how the run ended, as far as the events go.

        Returns
        -------
        RunStop
            `INCOMPLETE` where the helper did not see the end, which it never does of a hand-over that went well.
        """
        status, side, message = self._ending()
        # A save that fails while the guest is suspended has ended precopy by a rule all the same.
        ends_precopy = status is not Status.INCOMPLETE and not self._passes.suspended
        return RunStop(
            status=status,
            stop_reason=StopReason(status) if ends_precopy else self._reason or StopReason.UNKNOWN,
            ended_s=self._passes.now_s if self._passes.timed else None,
            downtime=self._downtime(),
            runs_at=side,
            message=f"{message} {self._problem}".strip(),
        )

    def _hear(self, event: str, facts: Mapping[str, Any]) -> list[Iteration | Control]:
        if self._wall_s is None and "wall" in facts:
            self._wall_s = max(0.0, seconds(facts, "wall") - seconds(facts, "t"))
        match event:
            case "start":
                self._hear_start(facts)
            case "policy":
                self._orders.hear(facts, self._passes.now_s)
            case "policy-call":
                return self._hear_call(facts)
            case "progress":
                return self._hear_progress(facts)
            case "cut":
                return self._hear_cut(facts)
            case "text":
                self.text.feed(str(facts.get("line")), self._passes.now_s)
            case "suspend-asked" | "suspended" | "save-returned":
                return self._hear_blackout(event, facts)
            case _:
                self._hear_rest(event, facts)
        return []

    def _hear_start(self, facts: Mapping[str, Any]) -> None:
        if "domid" in self._facts:
            raise BrokenEventError("A second save begins here; give each its own file.")
        self._facts["domid"] = count(facts, "dom")
        if "memory_pages" in facts:
            self._facts["memory_pages"] = count(facts, "memory_pages")

    def _hear_call(self, facts: Mapping[str, Any]) -> list[Iteration | Control]:
        dirty_pages = count(facts, "dirty_count", least=-1)
        call = PolicyCall(
            iteration=count(facts, "iteration"),
            dirty_pages=None if dirty_pages < 0 else dirty_pages,
            total_written_pages=count(facts, "total_written"),
            decision=_DECISIONS.get(str(facts.get("decision"))),
            at_s=seconds(facts, "t"),
        )
        self._facts |= call.facts
        self._reason = self._orders.reason(call, facts.get("reason")) or self._reason
        done = self._passes.heard(call)
        return [*self._orders.taken_up(call, self._passes.now_s), *done]

    def _hear_cut(self, facts: Mapping[str, Any]) -> list[Iteration | Control]:
        controls = self._orders.taken_up_in_pass(self._passes.last_call, self._passes.now_s)
        if not self._orders.cut:
            self._problem = f"The stream was cut: {facts.get('why', 'the reason is not told')}."[:300]
        return list(controls)

    def _hear_progress(self, facts: Mapping[str, Any]) -> list[Iteration | Control]:
        text = f"{facts.get('what')}: {facts.get('done')}/{facts.get('total')}"
        frames = [values for kind, values in phrases(text) if kind == "frames"]
        return [one for values in frames for one in self._passes.frames(int(values["i"]), int(values["total"]))]

    def _hear_blackout(self, event: str, facts: Mapping[str, Any]) -> list[Iteration | Control]:
        now_s = self._passes.now_s
        if event == "suspend-asked":
            self.suspend_asked_s = now_s
            return list(self._passes.suspend_asked())
        if event == "save-returned":
            self._result, self.saved_s = count(facts, "r", least=-1), now_s
            return list(self._passes.save_ended()) if self._result == 0 else []
        if facts.get("reply") == 0:
            return []
        self.suspended_s = now_s
        return list(self._passes.guest_suspended())

    def _hear_rest(self, event: str, facts: Mapping[str, Any]) -> None:
        if event == "qemu-logdirty":
            self._facts["guest_type"] = "HVM"
        elif event == "layout" and facts.get("proved") is False:
            self._problem = (
                "The first policy call did not fit the host's Xen, so the helper aborted before a page was sent."
            )
        elif event in {"policy-error", "handed-over"}:
            self.handed_over |= event == "handed-over"
            self._problem = f"{event}: {facts.get('error', facts.get('why', ''))}"[:300]

    def _ending(self) -> tuple[Status, Side, str]:
        if self._result is None:
            return Status.INCOMPLETE, Side.UNKNOWN, _ENDLESS
        if self._result == 0:
            return Status.INCOMPLETE, Side.UNKNOWN, _SAVED
        if self._passes.suspended:
            return Status.FAILED, Side.UNKNOWN, _FAILED_PAUSED
        if self._orders.cut or (self._reason is StopReason.ABORTED and not self._problem):
            return Status.ABORTED, Side.SOURCE, _ABORTED
        return Status.FAILED, Side.SOURCE, _FAILED

    def _downtime(self) -> tuple[DowntimePart, ...]:
        if self.suspend_asked_s is None:
            return ()
        return (
            _part("suspend", self.suspend_asked_s, self.suspended_s),
            _part("copy", self.suspended_s, self.saved_s),
            _part("resume", None, None),
        )


def _part(name: str, begun_s: float | None, ended_s: float | None) -> DowntimePart:
    if begun_s is None or ended_s is None:
        return DowntimePart(name=name, duration_s=None, knowledge=Knowledge.UNKNOWN, clock=CLOCK)
    return DowntimePart(name=name, duration_s=ended_s - begun_s, knowledge=Knowledge.EXACT, clock=CLOCK)
