"""`xlkit demo`: the same guest migrated twice, with two settings of one knob, and the comparison."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from xlkit.cli import options
from xlkit.cli.comparison import comparison_text
from xlkit.cli.progress import Outcome, follow
from xlkit.cli.recorded import write_page
from xlkit.cli.text import run_text
from xlkit.engine.workload import HotCold
from xlkit.model import Migration, Status
from xlkit.policies import XEN_MIN_REMAINING, ThresholdPolicy

if TYPE_CHECKING:
    from xlkit.model import Run

_MIN_REMAINING = (XEN_MIN_REMAINING, 5_000)
_MAX_ITERS = 30
# Hot pages are dirty again before their pass ends: each pass shrinks the set only a little, so the knobs decide.
_WORKLOAD = HotCold(rate_pages_s=10_000, hot_pages=2_000, hot_share=0.9)


@click.command()
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), default="xlkit-demo.html", show_default=True,
    help="Where the page with the comparison goes.",
)  # fmt: skip
@click.option("--quick", is_flag=True, help="A guest of 64 MiB instead of 256 MiB.")
@options.STORE
@click.pass_context
def demo(ctx: click.Context, html: Path, store_path: Path | None, *, quick: bool) -> None:
    """Live-migrate a guest twice, with two settings of min_remaining, and compare.

    The guest is a process that rewrites some pages often and the others seldom; it moves over TCP on this machine, at
    the speed of a 1 Gbit/s link, under Xen's stop rule. No hypervisor, no root, no network.
    """
    runs: list[Run] = []
    for min_remaining in _MIN_REMAINING:
        click.echo(f"Migrating with min_remaining={min_remaining}, max_iters={_MAX_ITERS}", err=True)
        outcome = _migrate(ThresholdPolicy(min_remaining, _MAX_ITERS), "64MiB" if quick else "256MiB", store_path)
        if outcome.error is not None:
            raise outcome.error
        if outcome.run.stop.status is not Status.COMPLETED:
            click.echo(run_text(outcome.run))
            ctx.exit(outcome.exit_code)
        runs.append(outcome.run)
    write_page(runs, html)
    click.echo(comparison_text(runs, None))
    click.echo(f"\nThe page with the figures: {html.absolute()}\n`xlkit show -1` shows every pass of the last run.")


def _migrate(policy: ThresholdPolicy, memory: str, store_path: Path | None) -> Outcome:
    from xlkit.backends.local import LocalBackend

    with LocalBackend(memory=memory, bandwidth="1Gbit/s", workload=_WORKLOAD) as backend:
        return follow(Migration("demo-guest"), policy, backend, store_path)
