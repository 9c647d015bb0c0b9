"""The event files of xlkit's save helper: one JSON object a line, live or old.

Each has ``event``, its time ``t`` (monotonic clock of the source, since the start of the run [s]) and ``wall`` (its
date, since 1970 [s]). Read are ``start``, ``policy`` (at first, and at each change), ``layout``, ``policy-call``,
``progress``, ``suspend-asked``, ``suspended``, ``qemu-logdirty``, ``cut``, ``policy-error``, ``handed-over``,
``save-returned`` and ``text`` (a line of xl's); all others are passed over. xl's text may also stand between the events
as it is: it tells how the hand-over went, of which the helper knows nothing.
"""

from collections.abc import Iterable

from xlkit.errors import LogError
from xlkit.logs._helper import CLOCK, EventGrammar
from xlkit.logs._origin import PolicyFrom, imported_start
from xlkit.logs.joining import joined_stop
from xlkit.logs.xl import XlGrammar
from xlkit.model import Control, Iteration, Origin, Run, Setup

__all__ = ["CLOCK", "EventGrammar", "parse", "sniff"]

_MARK = '{"event": "'


def sniff(head: str) -> bool:
    """Tell whether a text holds events of the save helper.

    Parameters
    ----------
    head : str
        The beginning of the text.

    Returns
    -------
    bool
        Whether `parse` can read it.
    """
    return any(line.startswith(_MARK) for line in head.splitlines())


def parse(lines: Iterable[str], *, path: str = "<events>", policy_from: PolicyFrom | None = None) -> Run:
    """Read the events of one migration, and xl's text where it is among them.

    Parameters
    ----------
    lines : iterable of str
        Events, and perhaps lines of xl.
    path : str, default "<events>"
        Where the lines are from, for errors.
    policy_from : callable, optional
        Turns a recorded stop rule into a policy, as `xlkit.policies.from_settings` does; without it the run's policy
        is None, and the rule stands in its settings.

    Returns
    -------
    Run
        An imported run. Events alone end with the save: how the hand-over went is then not known, and the run is
        incomplete.

    Raises
    ------
    LogError
        If there is no event, one cannot be read (unless it is the last and cut off), or a second save begins.
    """
    lines = list(lines)
    marked = [(number, line) for number, line in enumerate(lines, 1) if line.startswith(_MARK)]
    if not marked:
        raise LogError("No line is an event of the save helper.", path=path)
    events, heard = _heard(marked, EventGrammar(path=path, policy_from=policy_from))
    text = events.text if events.text.seen else XlGrammar()
    told = [one for line in lines if not line.startswith(_MARK) for one in text.feed(line)]
    iterations = [one for one in heard if isinstance(one, Iteration)]
    own = bool(iterations) or not told
    setup = Setup(
        settings=text.facts | events.settings,
        applied=events.applied or text.applied,
        origin=Origin.IMPORTED,
        clock=CLOCK if own else text.clock,
        memory_pages=events.memory_pages or text.memory_pages,
        versions=text.versions,
    )
    start = imported_start(lines, setup, policy=events.policy, started_at=events.started_at)
    controls = tuple(one for one in heard if isinstance(one, Control))
    return Run(
        start=start, iterations=tuple(iterations if own else told), stop=joined_stop(events, text), controls=controls
    )


def _heard(marked: list[tuple[int, str]], events: EventGrammar) -> tuple[EventGrammar, list[Iteration | Control]]:
    heard: list[Iteration | Control] = []
    for number, line in marked:
        try:
            heard += events.feed(line, number)
        except LogError:
            if (number, line) != marked[-1] or line.rstrip().endswith("}"):
                raise
    return events, heard
