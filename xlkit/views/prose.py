"""What happened in a run, in sentences with numbers and units."""

from collections.abc import Callable, Sequence

from xlkit import units
from xlkit.diagnosis.story import blackout_sentence, end_sentences, live_sentence, stop_sentence
from xlkit.model import Phase, Run, Status

THRESHOLD_NOTE = (
    "min_remaining bounds the last pass that is sent while the guest runs, not the pages that are sent while it stands "
    "still: that last set is read after the guest is suspended, and the policy never sees it."
)


def happened(run: Run) -> str:
    """Tell what happened in a run.

    Parameters
    ----------
    run : Run
        Any run.

    Returns
    -------
    str
        A few sentences: the live passes, why precopy ended, the last set, the downtime, where the guest runs.
    """
    paused = [blackout_sentence(one) for one in run.iterations if one.phase is Phase.STOP_AND_COPY]
    sentences = [live_sentence(run), stop_sentence(run), *paused, end_sentences(run), run.stop.message]
    return " ".join(sentence for sentence in sentences if sentence)


def difference(runs: Sequence[Run]) -> str:
    """Tell what the second of two runs cost beside the first.

    Parameters
    ----------
    runs : sequence of Run
        The runs of a page.

    Returns
    -------
    str
        One sentence, empty unless there are two runs and both were completed.
    """
    match [run for run in runs if run.stop.status is Status.COMPLETED]:
        case [first, second] if len(runs) == len((first, second)):
            pass
        case _:
            return ""
    changes = [
        _change(_total_s(first), _total_s(second), "took {} in total", units.format_s),
        _change(_sent_bytes(first), _sent_bytes(second), "sent {}", units.format_bytes),
        _change(first.stop.downtime_s, second.stop.downtime_s, "let the guest stand still for {}", units.format_s),
    ]
    return "The second run " + ", ".join(changes[:2]) + ", and " + changes[2] + "."


def _change(before: float | None, after: float | None, verb: str, write: Callable[[float], str]) -> str:
    if before is None or after is None:
        return verb.format("an unknown amount")
    if before == after:
        return verb.format(f"the same, {write(after)}")
    return verb.format(f"{write(after)} instead of {write(before)}")


def _total_s(run: Run) -> float | None:
    return run.stop.ended_s


def _sent_bytes(run: Run) -> int | None:
    return _sum_known([one.sent_bytes for one in run.iterations])


def _sum_known(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None
