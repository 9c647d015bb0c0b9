"""`xlkit sweep`: an experiment from a plan."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import click

from xlkit import units
from xlkit.cli import options
from xlkit.cli.progress import FAILED, terminated_like_interrupted
from xlkit.cli.text import table
from xlkit.errors import InvalidValueError
from xlkit.policies import to_settings, to_text

if TYPE_CHECKING:
    from xlkit.experiments import Cell, Plan, Progress, SweepResult
    from xlkit.protocols import Backend

_BAR_CELLS = 24


@click.command()
@click.argument("path", metavar="[PLAN.toml]", required=False, type=click.Path(path_type=Path))
@click.option("--suite", "suite_name", metavar="NAME", help="A plan that ships with xlkit, in the place of a file.")
@click.option("--list", "lists", is_flag=True, help="List those plans, and start nothing.")
@click.option("--dry-run", is_flag=True, help="List the runs in their order and how long they may take; start nothing.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes that simulate at once.")
@click.option("--go-on", is_flag=True, help="Go on under a plan that changed; runs of unchanged cells count.")
@click.option("--guest-at", metavar="HOST", help="xl: where the guest runs now, if the latest run does not tell.")
@options.STORE
@options.JSON
@click.pass_context
def sweep(ctx: click.Context, /, path: Path | None, **given: Any) -> None:
    """Run an experiment: policies x workloads x repetitions, in shuffled blocks, within budgets.

    The same command goes on where an earlier one ended, by Ctrl-C, by a crash or by a budget: no run is repeated or
    lost. It leaves with 1 if a cell was given up.
    """
    if given["lists"]:
        _tell_suites(as_json=given["as_json"])
        return
    plan = _plan(path, given["suite_name"])
    from xlkit.experiments import Maker
    from xlkit.experiments import sweep as run_sweep
    from xlkit.store import RunStore

    backends = Maker.for_plan(plan, **_kinds())
    if given["dry_run"]:
        _tell_order(plan, as_json=given["as_json"])
        return
    with terminated_like_interrupted():
        result = run_sweep(
            plan, backends, store=RunStore(given["store_path"]), jobs=given["jobs"], progress=_show,
            go_on=given["go_on"], guest_at=given["guest_at"],
        )  # fmt: skip
    _tell_result(result, as_json=given["as_json"])
    ctx.exit(FAILED if result.given_up else 0)


def make_xl(way: str = "auto", ssh: str | None = None) -> "Backend":
    """Make the backend ``xl`` of a plan; the hosts are those of its migration.

    Parameters
    ----------
    way : str, default "auto"
        How the policy is applied.
    ssh : str, optional
        What xl reaches the other host with.

    Returns
    -------
    XlBackend
        A backend that has contacted nothing.
    """
    from xlkit.backends.xl import XlBackend
    from xlkit.backends.xl_command import XlOptions

    return XlBackend(way=way, options=XlOptions(ssh=ssh))


def progress_line(now: "Progress") -> str:
    """Tell how an experiment stands on one line.

    Parameters
    ----------
    now : Progress
        As `sweep` tells it.

    Returns
    -------
    str
        Bar, counts, times and the cell that begins.
    """
    total = now.done + now.left
    filled = _BAR_CELLS * now.done // total if total else _BAR_CELLS
    left = "unknown time" if now.left_s is None else units.format_s(now.left_s)
    failed = f", {now.failed} not completed" if now.failed else ""
    cell = "" if now.planned is None else f": {now.planned.cell.name}"
    bar = "#" * filled + "." * (_BAR_CELLS - filled)
    return f"[{bar}] {now.done} of {total} runs{failed}, {units.format_s(now.elapsed_s)}, {left} left{cell}"


def _plan(path: Path | None, suite_name: str | None) -> "Plan":
    from xlkit.experiments import read_plan, suite

    if (path is None) == (suite_name is None):
        raise InvalidValueError("Name one plan: a file, or --suite NAME; --list tells which suites there are.")
    return suite(str(suite_name)) if path is None else read_plan(path)


def _kinds() -> "dict[str, Callable[..., Backend]]":
    from xlkit.backends.local import LocalBackend
    from xlkit.backends.sim import SimBackend

    return {"sim": SimBackend, "local": LocalBackend, "xl": make_xl}


def _tell_suites(*, as_json: bool) -> None:
    from xlkit.experiments import suites

    plans = suites().values()
    if as_json:
        click.echo(json.dumps([plan.to_data() for plan in plans]))
        return
    for plan in plans:
        click.echo(f"{plan.name}: {len(plan.order())} runs. {plan.description}")


def _tell_order(plan: "Plan", *, as_json: bool) -> None:
    expected_s = {cell.digest: _expected_s(plan, cell) for cell in plan.cells()}
    order = plan.order()
    total_s = _sum([expected_s[one.cell.digest] for one in order], plan.settle_s)
    if as_json:
        runs = [
            {"repetition": one.repetition, "workload": one.cell.workload, "policy": to_settings(one.cell.policy),
             "seed": one.seed, "expected_s": expected_s[one.cell.digest]}
            for one in order
        ]  # fmt: skip
        click.echo(json.dumps({"name": plan.name, "digest": plan.digest, "expected_s": total_s, "runs": runs}))
        return
    rows = [
        [at, one.repetition, one.cell.workload, to_text(one.cell.policy), units.format_s(expected_s[one.cell.digest])]
        for at, one in enumerate(order, start=1)
    ]
    click.echo(table(["run", "repetition", "workload", "policy", "expected"], rows))
    click.echo(f"{len(order)} runs of {len(plan.cells())} cells, expected to take {units.format_s(total_s)} of runs "
               "and pauses, by the simulator.")  # fmt: skip


def _expected_s(plan: "Plan", cell: "Cell") -> float | None:
    """Ask the simulator how long a run on the live engine takes; a simulated run takes next to nothing."""
    from xlkit.backends.sim import SimBackend
    from xlkit.experiments import Maker

    settings = dict(plan.workloads[cell.workload])  # type: ignore[index] # a mapping since it was made
    if settings["backend"] == "sim":
        return 0.0
    if settings["backend"] != "local" or settings.get("bandwidth") is None:
        return None
    known = {name: settings[name] for name in ("memory", "bandwidth", "workload") if name in settings}
    *_, stop = Maker(SimBackend, known)(seed=1).migrate(plan.migration, cell.policy)
    total_s: float | None = stop.ended_s
    return total_s


def _sum(durations_s: list[float | None], settle_s: float) -> float | None:
    known = [one for one in durations_s if one is not None]
    if len(known) < len(durations_s):
        return None
    return sum(known) + settle_s * (sum(one > 0 for one in known) - 1 if any(known) else 0)


def _show(now: "Progress") -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{progress_line(now)}", err=True, nl=now.planned is None)
    else:
        click.echo(progress_line(now), err=True)


def _tell_result(result: "SweepResult", *, as_json: bool) -> None:
    cells = [_cell_data(result, cell) for cell in result.plan.cells()]
    if as_json:
        told = {"name": result.plan.name, "complete": result.complete, "stopped_by": result.stopped_by}
        ids = {"runs": [run.run_id for run in result], "not_completed": [run.run_id for run in result.failed]}
        click.echo(json.dumps(told | ids | {"cells": cells}))
        return
    rows = [
        [one["workload"], one["policy_text"], one["runs"], units.format_s(one["median_total_s"]),
         units.format_s(one["median_downtime_s"]), one["state"]]
        for one in cells
    ]  # fmt: skip
    click.echo(table(["workload", "policy", "runs", "total (median)", "downtime (median)", "state"], rows))
    if result.failed:
        click.echo(f"{len(result.failed)} runs were not completed: {', '.join(run.run_id for run in result.failed)}.")
    if result.stopped_by:
        click.echo(f"{result.stopped_by} The same command goes on once the budget is larger.")


def _cell_data(result: "SweepResult", cell: "Cell") -> dict[str, Any]:
    runs = result.of(cell)
    total_s = [run.stop.ended_s for run in runs if run.stop.ended_s is not None]
    downtime_s = [run.stop.downtime_s for run in runs if run.stop.downtime_s is not None]
    state = "given up" if cell in result.given_up else "early" if cell in result.tight else ""
    return {
        "workload": cell.workload,
        "policy": to_settings(cell.policy),
        "policy_text": to_text(cell.policy),
        "runs": len(runs),
        "median_total_s": median(total_s) if total_s else None,
        "median_downtime_s": median(downtime_s) if downtime_s else None,
        "state": state or ("done" if len(runs) == result.plan.repetitions else "not done"),
    }
