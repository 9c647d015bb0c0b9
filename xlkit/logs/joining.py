"""One run from two accounts of it: the helper's events have the numbers, xl's text has the hand-over."""

from dataclasses import replace

from xlkit.logs._helper import CLOCK, EventGrammar
from xlkit.logs.xl import XlGrammar
from xlkit.model import DowntimePart, Knowledge, RunStop, Side, Status, StopReason


def joined_stop(events: EventGrammar, text: XlGrammar) -> RunStop:
    """Tell how a run ended from both accounts of it.

    Parameters
    ----------
    events : EventGrammar
        What the save helper wrote.
    text : XlGrammar
        What xl wrote. Where it was fed with times of the events' clock, the last part of the downtime follows.

    Returns
    -------
    RunStop
        Numbers as the helper saw them, the ending as xl tells it.
    """
    numbers, (status, runs_at, message) = events.stop(), text.ending
    if status is Status.INCOMPLETE:
        return numbers
    if numbers.status is Status.ABORTED or (numbers.status is Status.FAILED and numbers.runs_at is not Side.UNKNOWN):
        # xl calls both a guest that did not suspend; the helper knows better.
        return numbers
    reason = text.stop().stop_reason if numbers.stop_reason is StopReason.UNKNOWN else numbers.stop_reason
    stop = replace(numbers, status=status, stop_reason=reason, runs_at=runs_at, message=message)
    return _with_resume(stop, events.saved_s, text) if status is Status.COMPLETED else stop


def _with_resume(stop: RunStop, saved_s: float | None, text: XlGrammar) -> RunStop:
    started_s = text.seen.get("started")
    if saved_s is None or started_s is None or text.clock != CLOCK or not stop.downtime:
        return stop
    resume_s = max(0.0, started_s - saved_s)
    resume = DowntimePart(name="resume", duration_s=resume_s, knowledge=Knowledge.AT_MOST, clock=CLOCK)
    parts = (*stop.downtime[:-1], resume)
    return replace(stop, downtime=parts, downtime_s=sum(one.duration_s or 0.0 for one in parts))
