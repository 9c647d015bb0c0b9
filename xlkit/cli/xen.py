"""`xlkit migrate --backend xl`: the options of `xl migrate` as an admin's fingers know them."""

import json
import shlex
from typing import TYPE_CHECKING, Any

import click

from xlkit.errors import InvalidValueError
from xlkit.model import Migration
from xlkit.protocols import Policy

if TYPE_CHECKING:
    from xlkit.backends.xl import XlBackend

_XL_OPTIONS = {
    "config": "-C", "ssh": "-s", "no_monitor": "-e", "paused": "-p", "preserve_domid": "-D", "debug": "--debug",
    "live": "--live", "abort_if_busy": "--abort_if_busy", "verbose": "-v", "timestamps": "-T", "progress": "-t",
    "force": "-f", "xl_dry_run": "-N",
}  # fmt: skip
_XEN_ONLY = {"source": "--source", "way": "--way", "heartbeat": "--heartbeat", **_XL_OPTIONS}
_ANY_BACKEND = {"backend", "domain", "host", "min_remaining", "max_iters", "dry_run", "store_path", "as_json"}

OPTIONS = (
    click.option("--source", metavar="DOM0", default="localhost", show_default=True,
                 help="xl: the host that has the guest, as ssh knows it."),
    click.option("--way", type=click.Choice(["auto", "native", "helper", "observe"]), default="auto", show_default=True,
                 help="xl: how the stop rule is applied: xl's own flags, a save helper, or not at all."),
    click.option("--heartbeat", metavar="REGEX",
                 help="xl: what the guest prints again and again on its console, a rising number in its first group; "
                 "the gap in it is recorded, as seen from here on both hosts."),
    click.option("-C", "config", metavar="FILE", help="xl: send this file on DOM0 as the guest's configuration."),
    click.option("-s", "ssh", metavar="COMMAND", help="xl: reach HOST with this instead of ssh."),
    click.option("-e", "no_monitor", is_flag=True, help="xl: leave no xl behind that watches the guest on HOST."),
    click.option("-p", "paused", is_flag=True, help="xl: leave the guest paused on HOST."),
    click.option("-D", "preserve_domid", is_flag=True, help="xl: keep the domain's id (Xen 4.14 or newer)."),
    click.option("--debug", is_flag=True, help="xl: send the memory twice and compare, guest suspended."),
    click.option("--live", is_flag=True, help="xl: accepted; xl migrates live anyway."),
    click.option("--abort_if_busy", is_flag=True,
                 help="xl: give up on a guest that is busy to the end; a patched xl only. The patch of 2021 gives up "
                 "on one that is idle enough as well."),
    click.option("-v", "verbose", count=True, help="xl: more output; up to three times."),
    click.option("-T", "timestamps", is_flag=True, help="xl: time and process on its lines (Xen 4.15 or newer)."),
    click.option("-t", "progress", is_flag=True, help="xl: progress with CR, as on a terminal."),
    click.option("-f", "force", is_flag=True, help="xl: run beside another xl that seems to run."),
    click.option("-N", "xl_dry_run", is_flag=True, help="xl: let xl itself only say what it would do."),
)  # fmt: skip


def check_options(ctx: click.Context, backend: str) -> None:
    """Refuse options that were typed for another backend.

    Parameters
    ----------
    ctx : click.Context
        The command's.
    backend : str
        Name of the backend that was asked for.

    Raises
    ------
    InvalidValueError
        If there is one.
    """
    typed = [name for name in ctx.params if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE]
    for name in typed:
        if backend == "xl" and name not in _ANY_BACKEND | set(_XEN_ONLY):
            spelt = next(one.opts[0] for one in ctx.command.params if one.name == name)
            raise InvalidValueError(f"{spelt} is for guests that xlkit starts itself: --backend local or sim.")
        if backend != "xl" and name in _XEN_ONLY:
            raise InvalidValueError(f"{_XEN_ONLY[name]} is for --backend xl.")


def make_xl_backend(given: dict[str, Any]) -> "XlBackend":
    """Make the backend that drives `xl migrate`; nothing is contacted.

    Parameters
    ----------
    given : dict
        Values of the options of `xlkit migrate`.

    Returns
    -------
    XlBackend
        The backend.

    Raises
    ------
    InvalidValueError
        If the source, a file or a command could mean anything else to a shell.
    """
    from xlkit.backends.xl import XlBackend
    from xlkit.backends.xl_command import XlOptions, destination_word
    from xlkit.backends.xl_heartbeat import ConsoleHeartbeat

    destination_word(given["source"])
    chosen = {"dry_run" if name == "xl_dry_run" else name: given[name] for name in _XL_OPTIONS}
    heartbeat = None if given["heartbeat"] is None else ConsoleHeartbeat(pattern=given["heartbeat"])
    return XlBackend(way=given["way"], options=XlOptions(**chosen), heartbeat=heartbeat)


def tell_command(backend: "XlBackend", migration: Migration, policy: Policy, *, as_json: bool) -> None:
    """Print the line that would run on the source, and on standard error what it does not tell.

    Parameters
    ----------
    backend : XlBackend
        The backend.
    migration : Migration
        Which domain goes where.
    policy : Policy
        When precopy ends.
    as_json : bool
        Whether to print words instead of a line.

    Raises
    ------
    InvalidValueError
        If a name could mean anything else to xl or to a shell.
    PreflightError
        If the way that was forced cannot carry the policy.
    """
    words = backend.command(migration, policy)
    click.echo(json.dumps({"source": migration.source, "command": words}) if as_json else shlex.join(words))
    if backend.way == "auto":
        click.echo(
            f"Where the xl on {migration.source} has no such flags, a save helper carries both numbers; nothing was "
            "contacted to find out.",
            err=True,
        )
