"""`xlkit attach`: take up a run whose watcher was lost while the migration went on."""

import contextlib
from pathlib import Path

import click

from xlkit.cli import options
from xlkit.cli.progress import follow_begun, tell_outcome
from xlkit.errors import PreflightError
from xlkit.policies import XEN_MAX_ITERS


@click.command(context_settings=options.COUNTS_BACK)
@click.argument("key", metavar="RUN", type=options.RUN)
@options.STORE
@options.JSON
@click.pass_context
def attach(ctx: click.Context, key: str | int, store_path: Path | None, *, as_json: bool) -> None:
    """Take up a RUN that lost its watcher, and record it to its end.

    A migration of --backend xl goes on in its dom0 when the connection, the notebook or xlkit itself is lost. RUN is
    then incomplete (`xlkit runs`); here it is followed from its first pass on, and its record becomes whole. Ctrl-C
    aborts, as in `xlkit migrate`.
    """
    (run,) = options.find_runs(store_path, (key,))
    if run.start.backend != "xl":
        raise PreflightError(
            f"The run {run.run_id} is of the backend {run.start.backend}, whose migrations end with their watcher: "
            "nothing to attach to."
        )
    from xlkit.backends.xl import XlBackend
    from xlkit.runner import attach as attach_to

    base = run.start.setup.settings.get("base")
    with contextlib.closing(XlBackend(**({"base": base} if base else {}))) as backend:
        max_iters = getattr(run.start.policy, "max_iters", XEN_MAX_ITERS)
        outcome = follow_begun(lambda store: attach_to(run.run_id, backend, store=store), max_iters, store_path)
    tell_outcome(ctx, outcome, as_json=as_json)
