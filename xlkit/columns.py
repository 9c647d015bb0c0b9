"""Many runs as columns: what is known of each, and the passes of all of them in one long table.

To read a run as an object takes a millisecond. Whoever sums over a hundred thousand runs needs none of them as such.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from xlkit.model import Iteration, Knowledge, Phase, Run
from xlkit.policies import to_settings, to_text

OF_START: Final[Mapping[str, str]] = MappingProxyType(
    {
        "run_id": "run_id",
        "started_at": "started_at",
        "backend": "backend",
        "origin": "setup.origin",
        "domain": "migration.domain",
        "memory_pages": "setup.memory_pages",
    }
)
"""What is told of a run from its start, and where it stands there."""

OF_STOP: Final[Mapping[str, str]] = MappingProxyType(
    {name: name for name in ("status", "stop_reason", "ended_s", "downtime_s", "runs_at", "verified")}
)
"""What is told of a run from its stop, and where it stands there."""

KNOBS: Final = ("min_remaining", "max_iters")
_KNOWLEDGE: Final = attrgetter("knowledge")

COUNTS: Final = ("iteration", "dirty_pages", "sent_pages", "sent_bytes")
TIMES: Final = ("begun_s", "ended_s")
FINAL: Final = "final"


@dataclass(frozen=True, slots=True)
class Column:
    """Numbers, some of which are not known.

    Parameters
    ----------
    numbers : numpy.ndarray
        The numbers, shape (n,); any where they are not known.
    known : numpy.ndarray of bool
        Which are known, shape (n,).
    """

    numbers: npt.NDArray[Any]
    known: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RunColumns:
    """Many runs.

    Parameters
    ----------
    facts : mapping of str to sequence
        A value a run for each name of `OF_START` and `OF_STOP`, for ``policy`` (for a reader), for each of `KNOBS`, and
        for ``downtime_knowledge``; None where it is not known.
    lengths : numpy.ndarray of int
        Passes of each run.
    passes : mapping of str to Column
        The passes of all runs, run after run: those of `COUNTS` as integers, of `TIMES` as floats [s], and `FINAL`,
        which tells whether the guest stood still.
    """

    facts: Mapping[str, Sequence[Any]]
    lengths: npt.NDArray[np.int64]
    passes: Mapping[str, Column]


@runtime_checkable
class Columnar(Protocol):
    """Runs that can be had as columns, such as a store."""

    def columns(self) -> RunColumns:
        """Tell all runs."""


def columns_of(runs: Iterable[Run]) -> RunColumns:
    """Lay runs out as columns.

    Parameters
    ----------
    runs : iterable of Run
        The runs.

    Returns
    -------
    RunColumns
        In the order of the runs.
    """
    told = list(runs)
    return RunColumns(
        facts=facts_of([run.start for run in told], [run.stop for run in told]),
        lengths=np.array([len(run.iterations) for run in told], np.int64),
        passes=_passes([one for run in told for one in run.iterations]),
    )


def facts_of(starts: Sequence[Any], stops: Sequence[Any]) -> dict[str, list[Any]]:
    """Read off what is told of each run.

    Parameters
    ----------
    starts : sequence of RunStart
        Starts of runs, or what looks like them.
    stops : sequence of RunStop
        Their stops, or what looks like them.

    Returns
    -------
    dict of str to list
        As in `RunColumns`.
    """
    facts = {name: list(map(attrgetter(place), starts)) for name, place in OF_START.items()}
    facts |= {name: list(map(attrgetter(place), stops)) for name, place in OF_STOP.items()}
    facts["downtime_knowledge"] = [
        _knowledge(stop.downtime_s is not None, tuple(map(_KNOWLEDGE, stop.downtime))) for stop in stops
    ]
    # Runs of one file share the policy that they share, and to write one out takes longer than all else.
    policies = {id(start.policy): start.policy for start in starts}
    told = {key: (to_text(policy), to_settings(policy)) for key, policy in policies.items()}
    asked = [told[id(start.policy)] for start in starts]
    knobs = {name: [settings.get(name) for _, settings in asked] for name in KNOBS}
    return {**facts, "policy": [text for text, _ in asked], **knobs}


@cache
def _knowledge(is_known: bool, parts: tuple[str, ...]) -> str:  # noqa: FBT001 - a cache takes no keywords as cheaply
    """Tell how well the downtime is known: no better than the worst known of its parts."""
    if not is_known:
        return Knowledge.UNKNOWN
    return next((one for one in (Knowledge.AT_MOST, Knowledge.AT_LEAST) if one in parts), Knowledge.EXACT)


def _passes(passes: Sequence[Iteration]) -> dict[str, Column]:
    final = np.array([one.phase is Phase.STOP_AND_COPY for one in passes], bool)
    counts = {name: _column([getattr(one, name) for one in passes], np.int64) for name in COUNTS}
    times = {name: _column([getattr(one, name) for one in passes], np.float64) for name in TIMES}
    return {**counts, **times, FINAL: Column(final, np.ones(len(passes), bool))}


def _column(values: Sequence[Any], kind: type) -> Column:
    known = np.array([value is not None for value in values], bool)
    return Column(np.array([0 if value is None else value for value in values], kind), known)
