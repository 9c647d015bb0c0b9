"""A replay in a sentence."""

from collections.abc import Callable
from dataclasses import fields as dataclass_fields
from enum import StrEnum
from typing import Any

from xlkit.model import Decision, Knowledge, Phase, Run
from xlkit.policies import to_settings, to_text
from xlkit.replays._outcome import Beyond, Bounds, Replay
from xlkit.units import format_bytes, format_s

_KNOWN = {Knowledge.AT_MOST: "at most ", Knowledge.AT_LEAST: "at least "}


def replay_data(told: Replay) -> dict[str, Any]:
    """Turn a replay into what JSON can hold.

    Parameters
    ----------
    told : Replay
        What `replay` returned.

    Returns
    -------
    dict
        Its fields; ``policy`` as its settings, ``beyond`` as its ranges, None where there is none.
    """
    fields = {one.name: getattr(told, one.name) for one in dataclass_fields(told)}
    beyond = told.beyond
    ranges = beyond and {
        one.name: [None if value is None else _plain(value) for value in getattr(beyond, one.name)]
        for one in dataclass_fields(beyond)
    }
    plain = {name: _plain(value) for name, value in fields.items() if name not in {"policy", "beyond"}}
    return {**plain, "policy": to_settings(told.policy), "beyond": ranges}


def replay_sentence(run: Run, told: Replay) -> str:
    """Tell in a sentence what a replay found, beside what was recorded.

    Parameters
    ----------
    run : Run
        What was replayed.
    told : Replay
        What `replay` returned for it.

    Returns
    -------
    str
        Where precopy would have ended, why, and what that saves; a range where the record ends first.
    """
    under = f"Under {to_text(told.policy).removesuffix('()')}, precopy would have"
    if told.censored:
        return f"{under} gone on past the end of the record{_beyond(told.beyond)}."
    passes = _passes(told.live_passes or 0)
    if told.decision is Decision.ABORT:
        return f"{under} been given up after {passes} ({told.stop_reason})."
    live = [one for one in run.iterations if one.phase is Phase.PRECOPY]
    if told.live_passes == len(live) and told.stop_reason is run.stop.stop_reason:
        return f"{under} ended as it did, after {passes} by {told.stop_reason}."
    instead = "" if told.live_passes == len(live) else f" instead of {len(live):,}"
    return f"{under} ended by {told.stop_reason} after {passes}{instead}{_saved(told)}; {_left(run, told)}."


def _saved(told: Replay) -> str:
    saved = [f"{format_s(told.saved_s)} earlier"] if told.saved_s else []
    if told.saved_bytes:
        saved.append(f"with {format_bytes(told.saved_bytes)} less sent while the guest ran")
    return f": {', '.join(saved)}" if saved else ""


def _left(run: Run, told: Replay) -> str:
    final = next((one for one in run.iterations if one.phase is Phase.STOP_AND_COPY), None)
    was = "" if final is None or final.dirty_pages is None else f", where it was {final.dirty_pages:,}"
    if told.final_pages is None or told.final_pages_knowledge is Knowledge.UNKNOWN:
        return f"how many pages that leaves for the blackout is not known{was}"
    return f"the blackout would have sent {_KNOWN.get(told.final_pages_knowledge, '')}{told.final_pages:,} pages{was}"


def _beyond(beyond: Beyond | None) -> str:
    if beyond is None:
        return ", which holds no pass to model from"
    pages = _range(beyond.final_pages, lambda value: f"{value:,.0f}")
    if beyond.iteration[1] is None:
        return (
            f"; by model it ends at pass {beyond.iteration[0]:,.0f} at the earliest, {format_s(beyond.precopy_s[0])} "
            f"into the run, or not at all, with {pages} pages left for the blackout"
        )
    return (
        f"; by model it ends at pass {_range(beyond.iteration, lambda value: f'{value:,.0f}')}, "
        f"{_range(beyond.precopy_s, format_s)} into the run, with {pages} pages left for the blackout"
    )


def _range(bounds: Bounds, write: Callable[[float], str]) -> str:
    low, high = bounds
    texts = [write(low), "no end" if high is None else write(high)]
    return texts[0] if texts[0] == texts[1] else " to ".join(texts)


def _passes(count: int) -> str:
    return {0: "no pass", 1: "one live pass"}.get(count, f"{count:,} live passes")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, StrEnum) else value
