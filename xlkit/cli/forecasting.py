"""`xlkit forecast`: what a migration will cost; and what `xlkit migrate` expects of the one it begins."""

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xlkit import units
from xlkit.cli import options
from xlkit.errors import InvalidValueError, XlkitError
from xlkit.journal import to_data
from xlkit.model import Forecast, Migration, Range, Run, RunStart
from xlkit.policies import XEN_MAX_ITERS, XEN_MIN_REMAINING, ThresholdPolicy, from_settings, to_settings, to_text

if TYPE_CHECKING:
    from xlkit.store import RunStore

_FEWEST_RUNS, _MOST_RUNS = 2, 20
_MODELS = ("curve", "constant_rate")


@click.command(context_settings=options.COUNTS_BACK)
@click.argument("domain")
@click.argument("host")
@click.option("--source", metavar="DOM0", default="localhost", show_default=True, help="The host that gives it away.")
@click.option(
    "--like",
    "keys",
    metavar="RUN",
    type=options.RUN,
    multiple=True,
    help="Learn from this run, whatever its guest and hosts; may be given again.",
)
@click.option("--begun", metavar="RUN", type=options.RUN, help="The run itself, while it goes on.")
@click.option(
    "--min_remaining",
    "--min-remaining",
    type=int,
    default=XEN_MIN_REMAINING,
    show_default=True,
    help="Stop when fewer pages are dirty before a pass; 0 asks for the default.",
)
@click.option(
    "--max_iters",
    "--max-iters",
    type=int,
    default=XEN_MAX_ITERS,
    show_default=True,
    help="Stop when so many passes are done; 0 asks for the default.",
)
@click.option("--memory", type=options.MEMORY, help="Size of the guest.  [default: that of the earlier runs]")
@click.option("--bandwidth", type=options.BANDWIDTH, help="Bandwidth of the link.  [default: that of the earlier runs]")
@click.option(
    "--model",
    type=click.Choice(_MODELS),
    default="curve",
    show_default=True,
    help="A learned curve of dirty pages, or the textbook's one rate.",
)
@click.option(
    "--level",
    type=float,
    default=0.9,
    show_default=True,
    help="Share of migrations for which the ranges are meant to hold.",
)
@options.STORE
@options.JSON
def forecast(domain: str, host: str, **given: Any) -> None:  # fmt: skip
    """Tell what migrating DOMAIN to HOST will cost, from earlier runs of it between these two hosts.

    With --like it is learned from the runs that are named, and with --begun from the passes of one that is going on.
    """
    from xlkit.forecasts import forecast as expect

    migration = Migration(domain, host, source=given["source"])
    policy = ThresholdPolicy(min_remaining=given["min_remaining"], max_iters=given["max_iters"])
    store = options.open_store(given["store_path"])
    # Whoever names a run says that it is alike, also where its guest or hosts differ.
    named = [store[key] for key in given["keys"]]
    like = [replace(run, start=replace(run.start, migration=migration)) for run in named]
    history = like or _latest(store, lambda start: _same(start.migration, migration))
    begun = None if given["begun"] is None else store[given["begun"]]
    if not history and begun is None:
        raise InvalidValueError(
            f"No earlier run of {domain} between {given['source']} and {host} is in {store.path}: name runs that are "
            "alike with --like, or one that is going on with --begun."
        )
    told = expect(
        history,
        migration,
        policy,
        begun=begun,
        memory_pages=None if given["memory"] is None else units.pages(given["memory"]),
        bandwidth_bytes_s=given["bandwidth"],
        model=given["model"],
        level=given["level"],
    )
    if given["as_json"]:
        click.echo(json.dumps(to_data(told, (to_settings, from_settings))))
    else:
        click.echo(forecast_text(told, migration, policy))


def expected(
    migration: Migration, policy: ThresholdPolicy, store_path: Path | None, alike: Callable[[RunStart], bool]
) -> Forecast | None:
    """Tell what is expected of a migration that is about to begin, as far as earlier runs tell it.

    Parameters
    ----------
    migration : Migration
        What is asked.
    policy : ThresholdPolicy
        When precopy ends.
    store_path : pathlib.Path or None
        Folder of the store; None is the default one.
    alike : callable
        Tells from its start whether an earlier run of the same guest and hosts was of the same kind.

    Returns
    -------
    Forecast or None
        None where there are fewer than two such runs, or nothing can be learned from them: a migration is not kept from
        beginning for want of a forecast.
    """
    from xlkit.forecasts import forecast as expect
    from xlkit.store import RunStore

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = _latest(RunStore(store_path), lambda start: _same(start.migration, migration) and alike(start))
            return expect(found, migration, policy) if len(found) >= _FEWEST_RUNS else None
        except (XlkitError, OSError, ArithmeticError, ValueError, RuntimeError):
            return None


def forecast_text(told: Forecast, migration: Migration, policy: ThresholdPolicy) -> str:
    """Write a forecast for a reader.

    Parameters
    ----------
    told : Forecast
        What is expected.
    migration : Migration
        Of which migration.
    policy : ThresholdPolicy
        When its precopy ends.

    Returns
    -------
    str
        A line a quantity, each with its range.
    """
    from xlkit.cli.text import table

    count = len(told.learned_from)
    rows = [
        ["total", *_texts(told.total_s, units.format_s)],
        ["downtime", *_texts(told.downtime_s, units.format_s)],
        ["sent", *_texts(told.sent_bytes, units.format_bytes)],
        ["live passes", *_texts(told.live_passes, _count)],
        ["paused pages", *_texts(told.final_pages, _count)],
    ]
    way = f"{migration.domain} from {migration.source} to {migration.destination} under {to_text(policy)}"
    lines = [
        f"{way}, learned from {count} run{'s' * (count != 1)} ({told.model}):",
        table(["", "likely", "from", "to"], rows),
        f"The ranges are meant to hold for {told.level:.0%} of such migrations.",
    ]
    if told.total_s is None:
        lines.append("The policy is not expected to stop: the guest writes as fast as the link sends.")
    return "\n".join(lines)


def outcome_text(run: Run) -> str:
    """Set what was expected of a run beside what happened.

    Parameters
    ----------
    run : Run
        A run that was recorded with a forecast.

    Returns
    -------
    str
        One line; empty where nothing was expected.
    """
    told = run.start.forecast
    if told is None:
        return ""
    pairs = (("total", told.total_s, run.stop.ended_s), ("downtime", told.downtime_s, run.stop.downtime_s))
    known = [
        f"{name} {_short(expected)}, was {units.format_s(outcome)}"
        for name, expected, outcome in pairs
        if expected is not None and outcome is not None
    ]
    return f"Expected: {'; '.join(known)}." if known else ""


def _latest(store: "RunStore", wanted: Callable[[RunStart], bool]) -> list[Run]:
    found = [head.run_id for head in store.heads() if head.complete and head.n_iterations and wanted(head.start)]
    return [store[run_id] for run_id in found[-_MOST_RUNS:]]


def _same(one: Migration, other: Migration) -> bool:
    hosts = {other.source, other.destination}
    return one.domain == other.domain and {one.source, one.destination} == hosts


def _short(told: Range) -> str:
    return f"{units.format_s(told.likely)} ({units.format_s(told.low)} to {units.format_s(told.high)})"


def _texts(told: Range | None, text: Callable[[float], str]) -> list[str]:
    return ["not known", "", ""] if told is None else [text(told.likely), text(told.low), text(told.high)]


def _count(value: float) -> str:
    return f"{value:,.0f}"
