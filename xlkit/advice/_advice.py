"""The advice: two knobs, what they cost, how sure it is, the line to type; or why there is none, and what helps."""

import shlex
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import Any, Final

from xlkit.advice._telling import Verdict, sentences, title
from xlkit.errors import InvalidValueError
from xlkit.model import Forecast, Migration, Range
from xlkit.policies import ThresholdPolicy

_WIDTH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """One thing that would let the guest keep the budget.

    Parameters
    ----------
    name : str
        ``bandwidth_bytes_s``, ``written_share`` or ``downtime_s``.
    value : float or None
        The bandwidth that suffices [B/s], to what share its writes must come down (0 to 1), or the budget that can be
        kept [s]; None where no value of it helps alone.
    sentence : str
        For people.
    """

    name: str
    value: float | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Which knobs keep a pause budget; print it, or take `policy` or `command` from it.

    Parameters
    ----------
    migration : Migration
        Which domain goes where.
    downtime_s : float
        The budget: how long the guest may stand still [s].
    verdict : Verdict
        ``sure`` where the whole range of the downtime keeps the budget, ``unsure`` where only its likely value does.
    min_remaining : int or None
        The first knob [page of 4096 B]; None where the budget cannot be kept.
    max_iters : int or None
        The second knob; None as well.
    fits_pages : int
        Pages that fit the budget: bandwidth x (budget - fixed part) / bytes of a page [page].
    bandwidth_bytes_s : Range
        Of a pass, as measured [B/s].
    page_bytes : float
        Bytes of a page on the wire [B].
    fixed_s : Range
        Downtime beside the transfer of the last set, as measured [s].
    last_pass_s : float or None
        How long the last live pass takes at most [s].
    dirtied_pages : float or None
        What the guest dirties meanwhile and while it is suspended, which is what the blackout sends [page]. Where the
        budget is out of reach, what it dirties after a pass of the floor; None where it has none.
    floor_pages : float
        Set to which precopy comes down, however many passes it makes [page].
    expected : Forecast or None
        What the advised knobs cost.
    by_default : Forecast
        What Xen's defaults cost.
    helps : tuple of Help
        What would help where the budget cannot be kept.
    learned_from : tuple of str
        Names of the runs that it rests on.
    origins : tuple of str
        Whether these were measured, simulated or imported.
    like : str
        Name of another guest whose runs they were; empty where they were its own.
    assumed : tuple of str
        What of it no run told, so that it rests on what such hosts cost elsewhere.
    """

    migration: Migration
    downtime_s: float
    verdict: Verdict
    min_remaining: int | None
    max_iters: int | None
    fits_pages: int
    bandwidth_bytes_s: Range
    page_bytes: float
    fixed_s: Range
    last_pass_s: float | None
    dirtied_pages: float | None
    floor_pages: float
    expected: Forecast | None
    by_default: Forecast
    helps: tuple[Help, ...]
    learned_from: tuple[str, ...]
    origins: tuple[str, ...]
    like: str
    assumed: tuple[str, ...]

    @property
    def policy(self) -> ThresholdPolicy:
        """The policy to run; `InvalidValueError` where no setting keeps the budget."""
        if self.min_remaining is None or self.max_iters is None:
            raise InvalidValueError(" ".join(self.sentences()))
        return ThresholdPolicy(min_remaining=self.min_remaining, max_iters=self.max_iters)

    @property
    def command(self) -> str:
        """The line for a host whose xl has the flags; `InvalidValueError` where no setting keeps the budget."""
        return shlex.join(["xl", "migrate", *self._words()])

    @property
    def xlkit_command(self) -> str:
        """The line for any host; `InvalidValueError` where no setting keeps the budget."""
        source = self.migration.source
        named = [] if source == "localhost" else ["--source", source]
        return shlex.join(["xlkit", "migrate", "--backend", "xl", *named, *self._words()])

    def sentences(self) -> tuple[str, ...]:
        """Tell the advice in sentences, each with its numbers.

        Returns
        -------
        tuple of str
            What fits, whether the guest gets there, what the blackout sends, what it costs, how sure it is; or why the
            budget cannot be kept, and what would help.
        """
        return tuple(sentences(self))

    def to_data(self) -> dict[str, Any]:
        """Turn the advice into what JSON can hold.

        Returns
        -------
        dict
            Its fields, the two command lines (None where there is no advice), and ``sentences``.
        """
        given = self.min_remaining is not None
        return {
            "domain": self.migration.domain,
            "source": self.migration.source,
            "destination": self.migration.destination,
            "downtime_s": self.downtime_s,
            "verdict": str(self.verdict),
            "min_remaining": self.min_remaining,
            "max_iters": self.max_iters,
            "command": self.command if given else None,
            "xlkit_command": self.xlkit_command if given else None,
            "fits_pages": self.fits_pages,
            "bandwidth_bytes_s": _range_data(self.bandwidth_bytes_s),
            "page_bytes": self.page_bytes,
            "fixed_s": _range_data(self.fixed_s),
            "last_pass_s": self.last_pass_s,
            "dirtied_pages": self.dirtied_pages,
            "floor_pages": self.floor_pages,
            "expected": _forecast_data(self.expected),
            "by_default": _forecast_data(self.by_default),
            "helps": [{"name": one.name, "value": one.value, "sentence": one.sentence} for one in self.helps],
            "learned_from": list(self.learned_from),
            "origins": list(self.origins),
            "like": self.like,
            "assumed": list(self.assumed),
            "sentences": list(self.sentences()),
        }

    def __str__(self) -> str:
        lines = [*wrap(title(self), _WIDTH), ""]
        if self.min_remaining is not None:
            lines += [f"  {self.command}", f"  {self.xlkit_command}", ""]
        for sentence in self.sentences():
            lines += wrap(sentence, _WIDTH, initial_indent="- ", subsequent_indent="  ")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        lines = [self.command, self.xlkit_command] if self.min_remaining is not None else []
        commands = f"<pre>{escape(chr(10).join(lines))}</pre>" if lines else ""
        told = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.sentences())
        return f"<p><strong>{escape(title(self))}</strong></p>\n{commands}\n<ul>{told}</ul>"

    def _words(self) -> list[str]:
        policy, asked = self.policy, self.migration
        knobs = ["--min_remaining", str(policy.min_remaining), "--max_iters", str(policy.max_iters)]
        return [*knobs, asked.domain, asked.destination]


def _range_data(value: Range | None) -> dict[str, float] | None:
    return None if value is None else {"low": value.low, "likely": value.likely, "high": value.high}


def _forecast_data(told: Forecast | None) -> dict[str, Any] | None:
    if told is None:
        return None
    names = ("total_s", "downtime_s", "sent_bytes", "live_passes", "final_pages")
    return {"level": told.level, **{name: _range_data(getattr(told, name)) for name in names}}
