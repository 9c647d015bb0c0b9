"""`xlkit import`: logs of migrations that ran without us, into the store."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xlkit.cli import options
from xlkit.errors import LogError
from xlkit.logs import read_log
from xlkit.policies import from_settings

if TYPE_CHECKING:
    from xlkit.model import Run

_NOTHING_READ = 3


@click.command("import")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@options.STORE
@options.JSON
@click.pass_context
def import_logs(ctx: click.Context, paths: tuple[Path, ...], store_path: Path | None, *, as_json: bool) -> None:
    """Read logs of migrations and store them as runs.

    PATH is xl's text, the event file of a save helper (with xl's text of the same name beside it), or a folder of
    them. What is no log of a migration is skipped, and said so. A log that is imported twice is one run.
    """
    store = options.open_store(store_path)
    runs: dict[str, Run] = {}
    skipped: dict[Path, str] = {}
    for path in _files(paths):
        try:
            run = read_log(path, policy_from=from_settings)
        except LogError as error:
            skipped[path] = error.problem
            click.echo(f"xlkit: skipped {error}", err=True)
            continue
        store.add(run)
        if run.run_id not in runs and not as_json:
            click.echo(_line(run, path))
        runs[run.run_id] = run
    if as_json:
        click.echo(json.dumps({"runs": list(runs), "skipped": {str(path): why for path, why in skipped.items()}}))
    if not runs or set(skipped) & set(paths):
        ctx.exit(_NOTHING_READ)


def _files(paths: tuple[Path, ...]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(one for one in path.rglob("*") if one.is_file())
        else:
            yield path


def _line(run: "Run", path: Path) -> str:
    unknown = run.start.setup.settings.get("iterations") == "unknown"
    passes = "iterations unknown" if unknown else f"iterations: {len(run.iterations)}"
    return f"{run.run_id}  {run.stop.status}, {passes}, stopped by {run.stop.stop_reason}  ({path})"
