"""Findings, and the diagnosis that they make: as text for a ticket, as HTML for a notebook, as data for a script."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape
from itertools import groupby
from textwrap import wrap
from types import MappingProxyType
from typing import Any, Final

_WIDTH: Final = 100


class Kind(StrEnum):
    """What a finding is about."""

    WHEREABOUTS = "whereabouts"
    RECORD = "record"
    LIVE = "live"
    STOP = "stop"
    BLACKOUT = "blackout"
    CONVERGENCE = "convergence"
    FLOOR = "floor"
    DOWNTIME = "downtime"
    OTHER_POLICY = "other_policy"
    ANOMALY = "anomaly"


_HEADINGS: Final = {
    Kind.WHEREABOUTS: "The guest, and what the record is worth",
    Kind.RECORD: "The guest, and what the record is worth",
    Kind.LIVE: "How precopy ended",
    Kind.STOP: "How precopy ended",
    Kind.BLACKOUT: "How precopy ended",
    Kind.CONVERGENCE: "Whether the guest converged",
    Kind.FLOOR: "Whether the guest converged",
    Kind.DOWNTIME: "Where the downtime went",
    Kind.OTHER_POLICY: "What another policy would have given",
    Kind.ANOMALY: "What stands out in the record",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a run shows.

    Parameters
    ----------
    kind : Kind
        What it is about.
    sentence : str
        For people: what was found, with its number.
    facts : mapping
        For scripts: the numbers of the sentence, each named with its unit; None is not known.
    """

    kind: Kind
    sentence: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "facts", MappingProxyType(dict(self.facts)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What a run shows, finding by finding; iterate over it, print it, or turn it into data.

    Parameters
    ----------
    run_id : str
        Which run it is of.
    title : str
        The run in one line.
    findings : tuple of Finding
        Where the guest is comes first.
    """

    run_id: str
    title: str
    findings: tuple[Finding, ...]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def of(self, *kinds: Kind) -> tuple[Finding, ...]:
        """Pick the findings of some kinds.

        Parameters
        ----------
        *kinds : Kind
            Which ones.

        Returns
        -------
        tuple of Finding
            In their order.
        """
        return tuple(one for one in self.findings if one.kind in kinds)

    def to_data(self) -> dict[str, Any]:
        """Turn the diagnosis into what JSON can hold.

        Returns
        -------
        dict
            ``run_id``, ``title``, and ``findings``: a list of ``kind``, ``sentence`` and ``facts``.
        """
        findings = [{"kind": str(one.kind), "sentence": one.sentence, "facts": dict(one.facts)} for one in self]
        return {"run_id": self.run_id, "title": self.title, "findings": findings}

    def __str__(self) -> str:
        lines = wrap(self.title, _WIDTH)
        for heading, findings in self._groups():
            lines += ["", heading]
            for one in findings:
                lines += wrap(one.sentence, _WIDTH, initial_indent="- ", subsequent_indent="  ")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        groups = [
            f"<h4>{escape(heading)}</h4>\n<ul>"
            + "".join(f"<li>{escape(one.sentence)}</li>" for one in findings)
            + "</ul>"
            for heading, findings in self._groups()
        ]
        return "\n".join([f"<p><strong>{escape(self.title)}</strong></p>", *groups])

    def _groups(self) -> Iterator[tuple[str, Iterator[Finding]]]:
        return groupby(self.findings, key=lambda one: _HEADINGS[one.kind])
