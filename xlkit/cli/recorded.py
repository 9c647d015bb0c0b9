"""`xlkit runs`, `show`, `compare` and `export`: what the store holds."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xlkit.cli import options
from xlkit.cli.comparison import RANKED, comparison_data, comparison_text
from xlkit.cli.data import head_data, record_data
from xlkit.cli.text import heads_text, run_text

if TYPE_CHECKING:
    from xlkit.model import Run

_RUNS = click.argument("keys", metavar="RUN...", type=options.RUN, nargs=-1, required=True)


@click.command()
@options.STORE
@options.JSON
def runs(store_path: Path | None, *, as_json: bool) -> None:
    """List the recorded runs.

    What a killed process left behind is sealed first, and shows as incomplete.
    """
    store = options.open_store(store_path)
    heads = store.heads()
    if as_json:
        click.echo(json.dumps([head_data(head) for head in heads], indent=1))
    elif heads:
        click.echo(heads_text(heads))
    else:
        click.echo(f"There are no runs in {store.path}. `xlkit demo` records two.")


@click.command(context_settings=options.COUNTS_BACK)
@click.argument("key", metavar="RUN", type=options.RUN)
@options.STORE
@options.JSON
def show(key: str | int, store_path: Path | None, *, as_json: bool) -> None:
    """Show one RUN: what was asked, every pass, what happened.

    RUN is a run id, the beginning of one, or a negative number that counts from the latest: -1.
    """
    (run,) = options.find_runs(store_path, (key,))
    click.echo(json.dumps(record_data(run)) if as_json else run_text(run))


@click.command(context_settings=options.COUNTS_BACK)
@_RUNS
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page with figures, too.")
@click.option(
    "--rank", "by", type=click.Choice(RANKED),
    help="Put the settings in order by this; needs three completed runs of each, alike in all but the policy.",
)  # fmt: skip
@options.STORE
@options.JSON
def compare(
    keys: tuple[str | int, ...], html: Path | None, by: str | None, store_path: Path | None, *, as_json: bool
) -> None:
    """Compare RUNs: what each was asked, how it ended, what it cost.

    Runs of the same settings are repetitions: they are compared by their medians, with the interval in which each is
    thought to lie, and a run that lies far off the others is named. Single runs are never ranked.
    """
    found = options.find_runs(store_path, keys)
    if as_json:
        click.echo(json.dumps(comparison_data(found, by)))
    else:
        click.echo(comparison_text(found, by))
    if html is not None:
        write_page(found, html)


@click.command(context_settings=options.COUNTS_BACK)
@_RUNS
@click.option(
    "--format", "form", type=click.Choice(["parquet", "csv", "json", "html"]), required=True,
    help="parquet: whole runs, as the store keeps them; json: whole runs; csv: a line a pass; html: a page.",
)  # fmt: skip
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file.")
@options.STORE
def export(keys: tuple[str | int, ...], form: str, output: Path, store_path: Path | None) -> None:
    """Write RUNs to one file; one that exists is replaced."""
    found = options.find_runs(store_path, keys)
    if form == "parquet":
        from xlkit.store import write_runs

        write_runs(output, found)
    elif form == "html":
        write_page(found, output)
    else:
        text = _csv(found) if form == "csv" else json.dumps([record_data(run) for run in found])
        output.write_text(text, encoding="utf-8")
    click.echo(f"Wrote {len(found)} run{'s' * (len(found) > 1)} to {output}.", err=True)


def write_page(found: "list[Run]", path: Path) -> None:
    """Write a self-contained HTML page about runs.

    Parameters
    ----------
    found : list of Run
        The runs to compare.
    path : pathlib.Path
        The file; one that exists is replaced.
    """
    from xlkit.views import report

    path.write_text(report(found), encoding="utf-8")


def _csv(found: "list[Run]") -> str:
    from xlkit import frames

    return str(frames.iterations(*found).to_csv(index=False))
