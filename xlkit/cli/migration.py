"""`xlkit migrate`: one live migration from the command line."""

import contextlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from xlkit.cli import options, xen
from xlkit.cli.data import record_data
from xlkit.cli.forecasting import expected
from xlkit.cli.progress import follow, tell_outcome
from xlkit.cli.text import setup_text
from xlkit.engine.workload import Workload, from_settings, to_settings
from xlkit.errors import InvalidValueError
from xlkit.model import Migration, RunStart
from xlkit.policies import XEN_MAX_ITERS, XEN_MIN_REMAINING, ThresholdPolicy

if TYPE_CHECKING:
    from xlkit.backends.local import LocalBackend
    from xlkit.backends.sim import SimBackend
    from xlkit.backends.xl import XlBackend

_LOCAL_ONLY = ("connect", "token", "tracker", "transport", "suspend", "verify")
_HOT_ONLY = ("hot_pages", "hot_share")

_OPTIONS = (
    click.option("--backend", type=click.Choice(["local", "sim", "xl"]), default="local", show_default=True,
                 help="A real guest process, the simulator, or a Xen host's xl."),
    click.option("--memory", type=options.MEMORY, default="256MiB", show_default=True, help="Size of the guest."),
    click.option("--bandwidth", type=options.BANDWIDTH, default="1Gbit/s", show_default=True,
                 help="Bandwidth of the link; none for no limit (local only)."),
    click.option("--min_remaining", "--min-remaining", type=int, default=XEN_MIN_REMAINING, show_default=True,
                 help="Stop when fewer pages are dirty before a pass; 0 asks for the default."),
    click.option("--max_iters", "--max-iters", type=int, default=XEN_MAX_ITERS, show_default=True,
                 help="Stop when so many passes are done; 0 asks for the default."),
    click.option("--workload", type=click.Choice(["uniform", "hotcold", "sweep", "idle"]), default="uniform",
                 show_default=True, help="What the guest does."),
    click.option("--dirty-rate", "dirty_rate_pages_s", type=float, metavar="PAGES/S", default=10_000.0,
                 show_default=True, help="Writes, each to one page."),
    click.option("--working-set", "working_set_pages", type=options.PAGES,
                 help="Memory that is ever written, such as 64MiB.  [default: all]"),
    click.option("--hot-pages", type=int, metavar="PAGES", help="Size of the hot part (hotcold).  [default: 500]"),
    click.option("--hot-share", type=float, metavar="SHARE",
                 help="Share of the writes that go to the hot part (hotcold), 0 to 1.  [default: 0.9]"),
    click.option("--connect", type=options.ADDRESS, help="Where `xlkit receive` listens on another machine."),
    click.option("--token", envvar="XLKIT_TOKEN",
                 help="What that receiver printed. XLKIT_TOKEN keeps it out of the list of processes."),
    click.option("--tracker", type=click.Choice(["wp_async", "marks"]),
                 help="How dirty pages are tracked.  [default: the best that works here]"),
    click.option("--transport", type=click.Choice(["vectored", "portable"]),
                 help="How pages are sent.  [default: the best that works here]"),
    click.option("--suspend", type=click.Choice(["cooperative", "hard"]),
                 help="How the guest is suspended.  [default: cooperative]"),
    click.option("--verify", type=click.Choice(["replay", "hold", "none"]),
                 help="How both memories are proved equal.  [default: replay]"),
    click.option("--seed", type=int, default=1, show_default=True, help="Seed of the guest's program."),
    *xen.OPTIONS,
    click.option("--no-forecast", is_flag=True, help="Do not record what earlier runs let expect of this one."),
    click.option("--dry-run", is_flag=True, help="Look what would fail, print the set-up, start nothing; with xl, "
                 "print the command line and contact nothing."),
    options.STORE,
    options.JSON,
)  # fmt: skip


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@click.argument("domain")
@click.argument("host")
@_with_options
@click.pass_context
def migrate(ctx: click.Context, /, domain: str, host: str, **given: Any) -> None:
    """Migrate the guest DOMAIN to HOST while it runs, and record every iteration.

    The guest is a process that xlkit starts for the purpose. Without --connect the destination is a receiver on this
    machine, whatever HOST is called. Ctrl-C aborts, and the guest stays at the source until the command ends.

    With --backend xl it is a Xen guest, which `xl migrate` on the dom0 named by --source sends to HOST; the options
    marked xl are that command's own.
    """
    xen.check_options(ctx, given["backend"])
    policy = ThresholdPolicy(min_remaining=given["min_remaining"], max_iters=given["max_iters"])
    migration = Migration(domain, host, source=given["source"])
    if given["backend"] == "xl" and given["dry_run"]:
        xen.tell_command(xen.make_xl_backend(given), migration, policy, as_json=given["as_json"])
        return
    with contextlib.closing(make_backend(given)) as backend:
        if given["dry_run"]:
            setup = backend.preflight(migration)
            click.echo(json.dumps(record_data(setup)) if given["as_json"] else setup_text(setup))
            return
        told = None if given["no_forecast"] else expected(migration, policy, given["store_path"], _alike(given))
        outcome = follow(migration, policy, backend, given["store_path"], told)
    tell_outcome(ctx, outcome, as_json=given["as_json"])


def _alike(given: dict[str, Any]) -> Callable[[RunStart], bool]:
    """Tell runs of the same kind: by the same backend, and of what is a setting here, with the same one."""
    name, wanted = given["backend"], {}
    if name != "xl":
        wanted = {
            "memory_bytes": given["memory"],
            "bandwidth_bytes_s": given["bandwidth"],
            "workload": to_settings(make_workload(given)),
        }

    def alike(start: RunStart) -> bool:
        settings = start.setup.settings
        return start.backend == name and all(settings.get(key) == value for key, value in wanted.items())

    return alike


def make_backend(given: dict[str, Any]) -> "LocalBackend | SimBackend | XlBackend":
    """Make the backend that the options ask for.

    Parameters
    ----------
    given : dict
        Values of the options of `xlkit migrate`.

    Returns
    -------
    LocalBackend or SimBackend or XlBackend
        A backend that has started nothing yet.

    Raises
    ------
    InvalidValueError
        If an option does not fit the backend or the workload.
    """
    if given["backend"] == "xl":
        return xen.make_xl_backend(given)
    settings = {name: given[name] for name in ("memory", "bandwidth", "seed")} | {"workload": make_workload(given)}
    chosen = {name: given[name] for name in _LOCAL_ONLY if given[name] is not None}
    if given["backend"] == "sim":
        return _sim(settings, chosen)
    if (given["connect"] is None) != (given["token"] is None) and given["connect"] is not None:
        raise InvalidValueError("--connect needs the token that the receiver printed: --token, or XLKIT_TOKEN.")
    if given["connect"] is None:
        chosen.pop("token", None)
    if chosen.get("verify") == "none":
        chosen["verify"] = None
    from xlkit.backends.local import LocalBackend

    return LocalBackend(**settings, **chosen)


def make_workload(given: dict[str, Any]) -> Workload:
    """Make the workload that the options ask for.

    Parameters
    ----------
    given : dict
        Values of the options of `xlkit migrate`.

    Returns
    -------
    Workload
        What the guest does.

    Raises
    ------
    InvalidValueError
        If an option does not fit the workload.
    """
    name = given["workload"]
    hot = {option: given[option] for option in _HOT_ONLY if given[option] is not None}
    if hot and name != "hotcold":
        raise InvalidValueError(f"--{next(iter(hot)).replace('_', '-')} needs --workload hotcold.")
    if name == "idle":
        return from_settings({"name": name})
    steady = {"rate_pages_s": given["dirty_rate_pages_s"], "working_set_pages": given["working_set_pages"]}
    return from_settings({"name": name, **steady, **({"hot_pages": 500} | hot if name == "hotcold" else {})})


def _sim(settings: dict[str, Any], chosen: dict[str, Any]) -> "SimBackend":
    chosen.pop("token", None)
    if chosen:
        raise InvalidValueError(f"--{next(iter(chosen))} is for --backend local.")
    if settings["bandwidth"] is None:
        raise InvalidValueError("The simulator needs a bandwidth, such as --bandwidth 1Gbit/s.")
    from xlkit.backends.sim import SimBackend

    return SimBackend(**settings)
