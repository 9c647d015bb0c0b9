"""A migration that is going on, on a terminal or in a log; Ctrl-C aborts it cleanly."""

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xlkit import units
from xlkit.cli.data import record_data
from xlkit.cli.forecasting import outcome_text
from xlkit.cli.text import run_text
from xlkit.errors import PreflightError, XlkitError
from xlkit.model import Forecast, Iteration, Migration, Phase, Run, Status
from xlkit.policies import ThresholdPolicy
from xlkit.protocols import Backend

if TYPE_CHECKING:
    from xlkit.runner import RunHandle
    from xlkit.store import RunStore

FAILED, INTERRUPTED = 1, 130
_TICK_S = 0.1
_BAR_CELLS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a migration ended that a command followed.

    Parameters
    ----------
    run : Run
        What was recorded.
    error : XlkitError or None
        What the migration failed with.
    exit_code : int
        What the command leaves with when the migration was not completed.
    """

    run: Run
    error: XlkitError | None
    exit_code: int


def follow(
    migration: Migration,
    policy: ThresholdPolicy,
    backend: Backend,
    store_path: Path | None,
    expected: Forecast | None = None,
) -> Outcome:
    """Run a migration, show its passes on standard error as they end, and record them.

    Parameters
    ----------
    migration : Migration
        What is asked.
    policy : ThresholdPolicy
        When precopy ends.
    backend : Backend
        What drives it.
    store_path : pathlib.Path or None
        Folder of the store; None is the default one.
    expected : Forecast or None, default None
        What is expected of it, recorded with the run.

    Returns
    -------
    Outcome
        The run; an interrupt or an error that came after it began does not raise.

    Raises
    ------
    PreflightError
        If nothing was started.
    StoreError
        If the run cannot be recorded.
    """
    from xlkit.runner import start

    return follow_begun(
        lambda store: start(migration, policy, backend, store=store, forecast=expected), policy.max_iters, store_path
    )


def follow_begun(begin: "Callable[[RunStore], RunHandle]", max_iters: int, store_path: Path | None) -> Outcome:
    """Begin or take up a run, show its passes on standard error as they end, and see it recorded.

    Parameters
    ----------
    begin : callable
        Takes the store and gives the handle of the run.
    max_iters : int
        How many live passes there are at most, for the bar.
    store_path : pathlib.Path or None
        Folder of the store; None is the default one.

    Returns
    -------
    Outcome
        The run; an interrupt or an error that came after it began does not raise.

    Raises
    ------
    PreflightError
        If nothing was started.
    StoreError
        If the run cannot be recorded.
    """
    from xlkit.store import RunStore

    store = RunStore(store_path)
    progress = Progress(max_iters)
    with terminated_like_interrupted():
        handle = begin(store)
        interrupted = _watch(handle, progress)
    try:
        run, error = handle.wait(), None
    except XlkitError as raised:
        if isinstance(raised, PreflightError) or handle.run_id not in store:
            raise
        run, error = store[handle.run_id], raised
    return Outcome(run=run, error=error, exit_code=INTERRUPTED if interrupted else FAILED)


def tell_outcome(ctx: click.Context, outcome: Outcome, *, as_json: bool) -> None:
    """Print how a migration ended, and leave with its exit code.

    Parameters
    ----------
    ctx : click.Context
        The command's.
    outcome : Outcome
        How it ended.
    as_json : bool
        Whether to print the record instead of a text.

    Raises
    ------
    XlkitError
        What the migration failed with.
    """
    if as_json:
        click.echo(json.dumps(record_data(outcome.run)))
    elif outcome.error is None:
        click.echo(run_text(outcome.run))
        click.echo(outcome_text(outcome.run), nl=outcome.run.start.forecast is not None)
    if outcome.error is not None:
        raise outcome.error
    ctx.exit(outcome.exit_code if outcome.run.stop.status is not Status.COMPLETED else 0)


class Progress:
    """The passes of a run: a bar on a terminal, a line a pass elsewhere.

    Parameters
    ----------
    max_iters : int
        How many live passes there are at most.
    """

    def __init__(self, max_iters: int) -> None:
        self._most_passes = max_iters + 1
        self._begun_s = time.monotonic()
        self._told = 0
        self._is_terminal = sys.stderr.isatty()

    def show(self, iterations: Sequence[Iteration]) -> None:
        """Show how far the run is.

        Parameters
        ----------
        iterations : sequence of Iteration
            All passes that have ended.
        """
        if self._is_terminal:
            click.echo(f"\r\x1b[K{self._bar(iterations)}", err=True, nl=False)
            return
        for one in iterations[self._told :]:
            click.echo(pass_line(one), err=True)
        self._told = len(iterations)

    def finish(self) -> None:
        """Leave the line of the bar."""
        if self._is_terminal:
            click.echo("\r\x1b[K", err=True, nl=False)

    def _bar(self, iterations: Sequence[Iteration]) -> str:
        filled = min(_BAR_CELLS, _BAR_CELLS * len(iterations) // self._most_passes)
        elapsed_s = time.monotonic() - self._begun_s
        sent_bytes = sum(one.sent_bytes or 0 for one in iterations)
        bar = "#" * filled + "." * (_BAR_CELLS - filled)
        passes = f"{len(iterations)} of at most {self._most_passes} passes"
        return f"[{bar}] {passes}, {units.format_bytes(sent_bytes)} sent, {elapsed_s:.1f} s"


def pass_line(one: Iteration) -> str:
    """Tell a pass on one line.

    Parameters
    ----------
    one : Iteration
        A pass that has ended.

    Returns
    -------
    str
        Its number, its pages, and how long it took.
    """
    dirty = "an unknown number of" if one.dirty_pages is None else f"{one.dirty_pages:,}"
    paused = " with the guest paused" if one.phase is Phase.STOP_AND_COPY else ""
    sent = f"{units.format_bytes(one.sent_bytes)} in {units.format_s(one.ended_s - one.begun_s)}"
    return f"pass {one.iteration}: {dirty} pages{paused}, {sent}"


def _watch(handle: "RunHandle", progress: Progress) -> bool:
    interrupted = False
    while True:
        try:
            _show_to_the_end(handle, progress)
        except KeyboardInterrupt:
            interrupted = True
            handle.abort()
            progress.finish()
            click.echo("xlkit: aborting; the guest stays at the source.", err=True)
        else:
            return interrupted


def _show_to_the_end(handle: "RunHandle", progress: Progress) -> None:
    # A function of its own: an interrupt that is heard as the loop begins anew must not fall outside the caller's try.
    is_over = False
    while not is_over:
        is_over = handle.wait_change(len(handle.iterations), timeout_s=_TICK_S).final
        progress.show(handle.iterations)
    progress.finish()


@contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """Hear SIGTERM as Ctrl-C within the block."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
