"""What a migration tells while it runs: passes as they end, the policy's calls, and how it all ended."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from xlkit.errors import HostUnreachableError
from xlkit.logs.events import CLOCK, EventGrammar
from xlkit.logs.joining import joined_stop
from xlkit.logs.xl import XlGrammar
from xlkit.model import Control, Decision, Iteration, Phase, PrecopyStats, RunStop, Side, Status, StopReason
from xlkit.policies import from_settings
from xlkit.protocols import Policy, Reasoned
from xlkit.switch import Switch

_WORDS = {Decision.CONTINUE: "continue", Decision.STOP_AND_COPY: "stop", Decision.ABORT: "abort"}
_SHOWN_LINES = 4


class Story:
    """Hear the events of one migration, in order, and let the policy take part.

    Parameters
    ----------
    policy : Policy
        Answers, where the host asks; where the host has decided, it is asked afterwards and should say the same.
    answer : callable
        Takes number and answer of a call that the host waits for.
    memory_pages : int or None
        Size of the guest [page of 4096 B].
    path : str
        Where the events are, for errors.
    orders_before : int, default 0
        How many orders earlier watchers gave; what the policy says under those cannot be told here.
    began_with : mapping, optional
        The rule that the host was given at first, where an earlier watcher may have changed it before the host read it.

    Attributes
    ----------
    status : int or None
        xl's exit status, None while it runs.
    cut : bool
        Whether the save was given up before its end.
    failure : Exception or None
        What the policy failed with; the migration is then given up.
    """

    def __init__(
        self,
        policy: Policy,
        answer: Callable[[int, str], None],
        *,
        memory_pages: int | None,
        path: str,
        orders_before: int = 0,
        began_with: Mapping[str, Any] | None = None,
    ) -> None:
        self.status: int | None = None
        self.cut = False
        self.failure: Exception | None = None
        self._policy, self._answer, self._memory_pages = policy, answer, memory_pages
        self._orders_before, self._earlier_orders = orders_before, 0
        self._events = EventGrammar(path=path, policy_from=from_settings)
        if began_with is not None:
            self._events.feed(json.dumps({"event": "policy", "t": 0.0, **began_with}))
        self._text = XlGrammar(clock=CLOCK)
        self._stats = PrecopyStats(iteration=0, dirty_pages=None, total_written_pages=0, memory_pages=memory_pages)
        self._begun_s = 0.0
        self._answered = self._asked = False
        self._unlike: list[str] = []
        self._final: list[Iteration] = []
        self._lines: list[str] = []

    def hear(self, line: str) -> list[Iteration | Control]:
        """Take one line of the events.

        Parameters
        ----------
        line : str
            A JSON object.

        Returns
        -------
        list of Iteration or Control
            The live passes that have ended (the final one comes with the end), and the orders of earlier watchers that
            were obeyed; their times are the host's.
        """
        facts = json.loads(line)
        match facts["event"]:
            case "text":
                self._lines.append(facts["line"])
                self._text.feed(facts["line"], facts["t"])
                return []
            case "policy-asked":
                self._take_stats(facts)
                self._reply(facts["call"])
            case "policy-call":
                self._check_call(facts)
            case "cut":
                self.cut = True
                self._take_up_abort()
            case "xl-exited":
                self.status = facts["status"]
        heard = self._events.feed(line)
        if facts["event"] == "policy" and facts.get("seq", 0) <= self._orders_before:
            self._earlier_orders = self._events.waiting_orders
        told: list[Iteration | Control] = []
        for one in heard:
            if isinstance(one, Control):
                # The others are the switch's to tell, which knows when they were given.
                told += [one] if self._earlier_orders > 0 and self.failure is None else []
                self._earlier_orders -= 1
            elif one.phase is Phase.PRECOPY:
                told.append(self._with_pages(one))
            else:
                self._final.append(self._with_pages(one))
        return told

    @property
    def handed_over(self) -> bool:
        """Whether the save is over, so that nothing can be taken back here."""
        return self._events.saved_s is not None

    def final(self) -> list[Iteration]:
        """Return the final pass, where there was one."""
        return self._final

    def stop(self, *, aborting: bool, at_source: bool) -> RunStop:
        """Tell how it ended.

        Parameters
        ----------
        aborting : bool
            Whether the operator, the policy or the watcher gave it up.
        at_source : bool
            Whether the source still has the domain.

        Returns
        -------
        RunStop
            How the run ended.
        """
        stop = joined_stop(self._events, self._text)
        stop = replace(stop, stop_reason=self._reason(stop.stop_reason))
        if "no_log_dirty" in self._text.seen:
            stop = replace(stop, message=self._text.ending[2])
        if stop.status is Status.INCOMPLETE or (stop.status is Status.COMPLETED) is not (self.status == 0):
            stop = self._by_exit_status(stop, at_source=at_source)
        if aborting and stop.status is Status.FAILED and at_source:
            stop = replace(stop, status=Status.ABORTED, stop_reason=StopReason.ABORTED, runs_at=Side.SOURCE)
        if stop.status is Status.FAILED:
            stop = replace(stop, message=f"{stop.message} xl said: {self._last_words()}".strip())
        return replace(stop, message=" ".join([stop.message, *self._unlike]).strip())

    def _by_exit_status(self, stop: RunStop, *, at_source: bool) -> RunStop:
        if self.status == 0:
            return replace(stop, status=Status.COMPLETED, runs_at=Side.DESTINATION, message="")
        side = Side.SOURCE if at_source else Side.UNKNOWN
        where = "the source has the guest" if at_source else "look at both hosts for the guest"
        message = f"xl ended with status {self.status}; {where}."
        return replace(stop, status=Status.FAILED, runs_at=side, message=message)

    def _reason(self, told: StopReason) -> StopReason:
        if told in {StopReason.FAILED, StopReason.ABORTED} or not self._asked or not isinstance(self._policy, Reasoned):
            return told
        if self._orders_before:
            return told
        return self._policy.reason(self._stats)

    def _last_words(self) -> str:
        return " / ".join(self._lines[-_SHOWN_LINES:])[:600] or "nothing"

    def _take_stats(self, facts: Mapping[str, Any]) -> None:
        dirty_pages, before = (None if facts["dirty_count"] < 0 else facts["dirty_count"]), self._stats
        now = PrecopyStats(
            iteration=facts["iteration"],
            dirty_pages=dirty_pages,
            total_written_pages=facts["total_written"],
            memory_pages=self._memory_pages,
            elapsed_s=before.elapsed_s or 0.0,
            last_sent_pages=before.last_sent_pages,
            last_pass_s=before.last_pass_s,
        )
        if dirty_pages is None:
            sent_pages = self._pages(now.iteration - 1, before.dirty_pages)
            now = replace(now, elapsed_s=facts["t"], last_sent_pages=sent_pages, last_pass_s=facts["t"] - self._begun_s)
        else:
            self._begun_s = facts["t"]
        self._stats, self._asked = now, True

    def _reply(self, call: int) -> None:
        decision = Decision.ABORT
        if self.failure is None:
            try:
                decision = self._policy.decide(self._stats)
            except Exception as error:  # noqa: BLE001 - whatever a policy fails with, the guest stays at the source
                self.failure = error
        self._answered = True
        try:
            self._answer(call, _WORDS[decision])
        except HostUnreachableError:
            self._unlike.append(f"Call {call} of the policy could not be answered: the connection was lost.")

    def _check_call(self, facts: Mapping[str, Any]) -> None:
        if self._answered:
            self._answered = False
            return
        self._take_stats(facts)
        orders = facts.get("seq", 0)
        if orders and self._orders_before:
            orders -= self._orders_before
            if orders <= 0:
                return
        if isinstance(self._policy, Switch):
            decision = self._policy.decide_under(self._stats, orders)
        else:
            decision = self._policy.decide(self._stats)
        if _WORDS[decision] != facts["decision"] and (isinstance(self._policy, Switch) or not orders):
            call = f"iteration {self._stats.iteration}, {self._stats.dirty_pages} dirty pages"
            self._unlike.append(f"At {call} the host said {facts['decision']}, the policy {_WORDS[decision]}.")

    def _take_up_abort(self) -> None:
        if isinstance(self._policy, Switch) and self._policy.abort_requested():
            self._policy.decide_under(self._stats)

    def _with_pages(self, one: Iteration) -> Iteration:
        return replace(
            one, sent_pages=self._pages(one.iteration if one.phase is Phase.PRECOPY else -1, one.dirty_pages)
        )

    def _pages(self, iteration: int, dirty_pages: int | None) -> int | None:
        # The set of pass 0 is the table of frames, holes included; those send nothing.
        if iteration == 0 and dirty_pages is not None and self._memory_pages is not None:
            return min(dirty_pages, self._memory_pages)
        return dirty_pages
