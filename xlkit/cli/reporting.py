"""`xlkit report`: a page about runs, to be mailed."""

from pathlib import Path

import click

from xlkit.cli import options


@click.command(context_settings=options.COUNTS_BACK)
@click.argument("keys", metavar="[RUN]...", type=options.RUN, nargs=-1)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), default="xlkit-report.html",
              show_default=True, help="The page; one that exists is replaced.")  # fmt: skip
@click.option("--title", default="Live migrations", show_default=True, help="Title of the page.")
@options.STORE
def report(keys: tuple[str | int, ...], output: Path, title: str, store_path: Path | None) -> None:
    """Write one page about RUNs that opens with no network; about all runs when none is named.

    What was asked, what happened, figures, diagnosis, every pass, versions.
    """
    from xlkit.views import report as page
    from xlkit.views import write

    found = options.find_runs(store_path, keys) if keys else list(options.open_store(store_path))
    write(page(found, title=title), output)
    click.echo(f"Wrote {output}, about {len(found):,} run{'s' * (len(found) != 1)}.", err=True)
