"""`xlkit replay` and `xlkit diagnose`: recorded runs under another policy, and what they show."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xlkit import units
from xlkit.cli import options
from xlkit.cli.data import records
from xlkit.cli.text import table
from xlkit.errors import InvalidValueError
from xlkit.model import Phase, Run
from xlkit.policies import POLICIES, XEN_MAX_ITERS, XEN_MIN_REMAINING, ThresholdPolicy, to_text

if TYPE_CHECKING:
    from xlkit.protocols import Policy

_WIDTH = 100
_RUNS = click.argument("keys", metavar="RUN...", type=options.RUN, nargs=-1, required=True)
_NAMES = [name for name, kind in POLICIES.items() if all(one.default is not MISSING for one in fields(kind))]
_TITLES = ("min_remaining", "max_iters", "stopped by", "at pass", "left for the blackout", "earlier", "less sent")
_KNOWN = {"at_most": "at most ", "at_least": "at least "}


def counts(text: str) -> tuple[int, ...]:
    """Read whole numbers with commas between them.

    Parameters
    ----------
    text : str
        For example ``50,500,5000``.

    Returns
    -------
    tuple of int
        The numbers.

    Raises
    ------
    InvalidValueError
        If one is no whole number.

    Examples
    --------
    >>> counts("50,500")
    (50, 500)
    """
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() for word in words):
        raise InvalidValueError(f"Wanted whole numbers with commas between them, such as 50,500, got {text!r}.")
    return tuple(units.whole_number("a value", int(word)) for word in words)


COUNTS = options.Parsed("N[,N...]", counts)


@click.command(context_settings=options.COUNTS_BACK)
@_RUNS
@click.option(
    "--min_remaining",
    "--min-remaining",
    type=COUNTS,
    metavar="N[,N...]",
    help=f"Values of min_remaining to try; 0 asks for the default.  [default: {XEN_MIN_REMAINING}]",
)
@click.option(
    "--max_iters",
    "--max-iters",
    type=COUNTS,
    metavar="M[,M...]",
    help=f"Values of max_iters to try; 0 asks for the default.  [default: {XEN_MAX_ITERS}]",
)
@click.option(
    "--policy", "name", type=click.Choice(_NAMES), default="threshold", show_default=True, help="Which rule to try."
)
@options.STORE
@options.JSON
def replay(
    keys: tuple[str | int, ...],
    min_remaining: tuple[int, ...] | None,
    max_iters: tuple[int, ...] | None,
    name: str,
    store_path: Path | None,
    *,
    as_json: bool,
) -> None:
    """Tell how RUNs would have ended under another policy.

    One policy is told in sentences, several values of the two knobs as a table. What is read off the record is exact;
    past its end there is a range, by model. What an operator did is left aside.
    """  # fmt: skip
    found = options.find_runs(store_path, keys)
    knobs = {key: value for key, value in (("min_remaining", min_remaining), ("max_iters", max_iters)) if value}
    if all(len(value) == 1 for value in knobs.values()):
        _tell_one(found, _policy(name, {key: value[0] for key, value in knobs.items()}), as_json=as_json)
    elif name != ThresholdPolicy.name:
        raise InvalidValueError(f"Several values need --policy {ThresholdPolicy.name}; --policy {name} takes one each.")
    else:
        _tell_grid(found, knobs, as_json=as_json)


@click.command(context_settings=options.COUNTS_BACK)
@_RUNS
@options.STORE
@options.JSON
def diagnose(keys: tuple[str | int, ...], store_path: Path | None, *, as_json: bool) -> None:
    """Tell what RUNs show: which rule stopped them, whether the guest converged, where the downtime went.

    Each finding is a sentence with its number, for a ticket; --json adds the numbers by name.
    """
    from xlkit.diagnosis import diagnose as diagnose_run

    told = [diagnose_run(run) for run in options.find_runs(store_path, keys)]
    click.echo(json.dumps([one.to_data() for one in told]) if as_json else "\n\n".join(str(one) for one in told))


def _policy(name: str, knobs: Mapping[str, int]) -> "Policy":
    taken = {one.name for one in fields(POLICIES[name])}
    if unknown := next((one for one in knobs if one not in taken), None):
        raise InvalidValueError(f"--policy {name} has no {unknown}.")
    policy: Policy = POLICIES[name](**knobs)
    return policy


def _tell_one(found: Sequence[Run], policy: "Policy", *, as_json: bool) -> None:
    from xlkit import replays

    told = [(run, replays.replay(run, policy, operator=False)) for run in found]
    sentences = [replays.replay_sentence(run, one) for run, one in told]
    if as_json:
        data = [
            replays.replay_data(one) | {"sentence": sentence}
            for (_, one), sentence in zip(told, sentences, strict=True)
        ]
        click.echo(json.dumps(data))
        return
    for run, sentence in zip(found, sentences, strict=True):
        click.echo(click.wrap_text(f"{_recorded(run)} {sentence}", _WIDTH))


def _tell_grid(found: Sequence[Run], knobs: Mapping[str, tuple[int, ...]], *, as_json: bool) -> None:
    from xlkit.replays import replay_grid

    grid = replay_grid(found, **knobs, operator=False)
    if as_json:
        click.echo(json.dumps(records(grid)))
        return
    rows = records(grid)
    size = len(rows) // len(found)
    parts = [
        f"{click.wrap_text(_recorded(run), _WIDTH)}\n{table(_TITLES, map(_cells, rows[at * size : (at + 1) * size]))}"
        for at, run in enumerate(found)
    ]
    censored = any(row["censored"] for row in rows)
    note = "Past the end: the record ends first; what follows is a range, by model." if censored else ""
    click.echo("\n\n".join([*parts, note] if note else parts))


def _recorded(run: Run) -> str:
    live = sum(one.phase is Phase.PRECOPY for one in run.iterations)
    passes = "one live pass" if live == 1 else f"{live:,} live passes"
    policy = "an unknown policy" if run.start.policy is None else to_text(run.start.policy)
    return f"Run {run.run_id} was stopped by {run.stop.stop_reason} after {passes}, under {policy}."


def _cells(row: Mapping[str, Any]) -> list[object]:
    knobs = [row["min_remaining"], row["max_iters"]]
    if row["censored"]:
        passes = _range(row["iteration_low"], row["iteration_high"])
        pages = _range(row["final_pages_low"], row["final_pages_high"])
        return [*knobs, "past the end", passes, pages, "", ""]
    pages = "unknown" if row["final_pages"] is None else f"{row['final_pages']:,}"
    bound = "" if row["final_pages"] is None else _KNOWN.get(row["final_pages_knowledge"], "")
    saved = [units.format_s(row["saved_s"]), units.format_bytes(row["saved_bytes"])]
    return [*knobs, row["stop_reason"], row["iteration"], bound + pages, *saved]


def _range(low: int | None, high: int | None) -> str:
    if low is None:
        return "unknown"
    if high is None:
        return f"{low:,} or more"
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
