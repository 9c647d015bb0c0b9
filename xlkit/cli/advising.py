"""`xlkit advise`: which knobs keep a pause budget."""

import json
from pathlib import Path
from typing import Any

import click

from xlkit.cli import options
from xlkit.model import Migration

_WOULD_FAIL = 4


@click.command(context_settings=options.COUNTS_BACK)
@click.argument("domain")
@click.argument("host")
@click.option(
    "--downtime",
    "downtime_s",
    type=options.DURATION,
    default="300ms",
    show_default=True,
    help="How long the guest may stand still.",
)
@click.option(
    "--source",
    metavar="DOM0",
    default="localhost",
    show_default=True,
    help="Host that the guest runs on now, as its runs name it.",
)
@click.option(
    "--like",
    "like",
    metavar="RUN",
    type=options.RUN,
    multiple=True,
    help="A run of another guest that behaves alike, in the place of DOMAIN's own; may be given again.",
)
@click.option(
    "--bandwidth", type=options.BANDWIDTH, help="Bandwidth of the link, where it differs from that of the runs."
)
@options.STORE
@options.JSON
@click.pass_context
def advise(
    ctx: click.Context, /, domain: str, host: str, store_path: Path | None, like: tuple[str | int, ...], **given: Any
) -> None:
    """Tell which knobs let DOMAIN move to HOST within a pause.

    It rests on the recorded runs of DOMAIN between the same hosts: the bandwidth and the fixed part of the downtime
    that they measured, and how fast the guest writes. Where no setting keeps the budget it says what would help, and
    leaves with 4.
    """  # fmt: skip
    from xlkit.advice import advise as advise_migration
    from xlkit.backends.xl_command import xl_command

    xl_command(domain, host)
    store = options.open_store(store_path)
    told = advise_migration(
        None if like else store,
        Migration(domain, host, source=given["source"]),
        downtime_s=given["downtime_s"],
        like=[store[key] for key in like] if like else None,
        bandwidth_bytes_s=given["bandwidth"],
    )
    click.echo(json.dumps(told.to_data()) if given["as_json"] else str(told))
    if told.min_remaining is None:
        ctx.exit(_WOULD_FAIL)
