"""Runs in words: what was asked of each, what tells several apart, and quantities with their units."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from xlkit import units
from xlkit.diagnosis.story import downtime_text
from xlkit.model import Run, Status
from xlkit.policies import to_settings

__all__ = ["NOT_SET", "as_runs", "asked_facts", "downtime_text", "labels", "policy_facts", "quantity"]

NOT_SET = "not set"
_SHORT_ID = 6
_MOST_TELLING = 4  # more would push the figure off its page


def as_runs(*runs: Run | Iterable[Run]) -> list[Run]:
    """Gather runs that are given one by one, in collections, or as a store.

    Parameters
    ----------
    *runs : Run or iterable of Run
        One run or many.

    Returns
    -------
    list of Run
        In the order given.
    """
    return [run for one in runs for run in ([one] if isinstance(one, Run) else one)]


def quantity(name: str, value: object) -> str:
    """Write a setting for a reader, with the unit in which its name ends.

    Parameters
    ----------
    name : str
        Name of the setting, such as ``memory_bytes``.
    value : object
        Its value; None is not set.

    Returns
    -------
    str
        Value and unit.

    Examples
    --------
    >>> quantity("rate_pages_s", 20000)
    '20,000 pages/s'
    """
    if value is None:
        return NOT_SET
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    for ending, write in _WRITERS:
        if name.endswith(ending):
            return write(value)
    return f"{value:,}"


def policy_facts(run: Run) -> dict[str, str]:
    """Tell the policy of a run and its settings.

    Parameters
    ----------
    run : Run
        Any run.

    Returns
    -------
    dict
        ``policy``, then each setting.
    """
    settings = to_settings(run.start.policy)
    return {"policy": str(settings.pop("name")), **{name: quantity(name, value) for name, value in settings.items()}}


def asked_facts(run: Run) -> dict[str, str]:
    """Tell everything that was asked in a run, by name.

    Parameters
    ----------
    run : Run
        Any run.

    Returns
    -------
    dict
        Policy, migration, backend and the backend's settings; nested settings are joined by a blank.
    """
    migration = run.start.migration
    return policy_facts(run) | {
        "domain": migration.domain,
        "source": migration.source,
        "destination": migration.destination,
        "backend": run.start.backend,
        **_flat(run.start.setup.settings),
    }


def labels(runs: Sequence[Run]) -> list[str]:
    """Name each run by what tells it from the others, and by its origin.

    Parameters
    ----------
    runs : sequence of Run
        The runs that are shown together.

    Returns
    -------
    list of str
        One label a run, all different: the first few settings that differ, then the end of the run id where they
        are not enough; a run that was not completed says so.
    """
    facts = [asked_facts(run) for run in runs]
    if len({frozenset((one["source"], one["destination"])) for one in facts}) == 1:
        # A guest that goes to and fro: the direction tells the runs apart and says nothing.
        facts = [{name: text for name, text in one.items() if name not in {"source", "destination"}} for one in facts]
    names = dict.fromkeys(name for one in facts for name in one)
    telling = [name for name in names if len({one.get(name) for one in facts}) > 1][:_MOST_TELLING]
    texts = [", ".join(f"{name} {one[name]}" for name in telling if name in one) for one in facts]
    texts = [
        text if text and texts.count(text) == 1 else _with_id(text, run) for text, run in zip(texts, runs, strict=True)
    ]
    return [f"{text} ({_origin(run)})" for text, run in zip(texts, runs, strict=True)]


def _origin(run: Run) -> str:
    return str(run.start.origin) if run.stop.status is Status.COMPLETED else f"{run.start.origin}, {run.stop.status}"


def _with_id(text: str, run: Run) -> str:
    name = f"run {run.run_id[-_SHORT_ID:]}"
    return f"{text}, {name}" if text else name


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat[prefix + name] = str(value.get("name", ""))
            flat |= _flat({key: one for key, one in value.items() if key != "name"}, f"{prefix}{name} ")
        else:
            flat[prefix + name] = quantity(name, value)
    return {name: text for name, text in flat.items() if text}


_WRITERS = (
    ("_bytes_s", units.format_bytes_s),
    ("_pages_s", lambda value: f"{value:,} pages/s"),
    ("_bytes", units.format_bytes),
    ("_pages", lambda value: f"{value:,} pages"),
    ("_s", units.format_s),
)
