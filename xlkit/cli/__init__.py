"""The command line `xlkit`: migrate, attach, receive, look at what was recorded, compare, export, import."""

import os
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn

import click

from xlkit import __version__
from xlkit.cli.advising import advise
from xlkit.cli.attaching import attach
from xlkit.cli.demonstration import demo
from xlkit.cli.forecasting import forecast
from xlkit.cli.importing import import_logs
from xlkit.cli.migration import migrate
from xlkit.cli.reception import receive
from xlkit.cli.recorded import compare, export, runs, show
from xlkit.cli.replaying import diagnose, replay
from xlkit.cli.reporting import report
from xlkit.cli.serving import app
from xlkit.cli.sweeping import sweep
from xlkit.errors import InvalidValueError, LogError, PreflightError, StoreError, UndefinedOutcomeError, XlkitError

__all__ = ["cli", "main"]

_EXIT_CODES = (
    (InvalidValueError, 2),
    (StoreError, 3),
    (LogError, 3),
    (OSError, 3),
    (PreflightError, 4),
    (UndefinedOutcomeError, 5),
    (XlkitError, 1),
)
_INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="xlkit")
def cli() -> None:
    """Drive, record and compare live migrations.

    \b
    Exit codes:
      0    done
      1    the migration failed or was aborted
      2    a command, an option or a value that cannot be used
      3    a run, the store or a file could not be read or written
      4    the migration would fail; nothing was started
      5    nobody can tell where the guest runs: look at both hosts
      130  interrupted (Ctrl-C); a migration that was going on was aborted

    \b
    Environment:
      XLKIT_STORE  folder of the recorded runs [default: runs]
      XLKIT_TOKEN  token of a receiver on another machine
    """  # noqa: D301 - the escape is click's mark for text that is not to be wrapped


_COMMANDS = (
    demo, migrate, attach, receive, runs, show, compare, replay, diagnose, sweep, forecast, advise, report,
    export, import_logs, app,
)  # fmt: skip
for _command in _COMMANDS:
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and leave the process with its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after `xlkit`; those of the process when not given.
    """
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        sys.exit(_run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    try:
        code = cli.main(arguments, prog_name="xlkit", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        return _tell_usage(error)
    except (click.Abort, KeyboardInterrupt):
        return _tell("interrupted.", _INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (XlkitError, OSError) as error:
        return _tell(_message(error), next(code for kind, code in _EXIT_CODES if isinstance(error, kind)))
    return code if isinstance(code, int) else 0


def _tell_usage(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message())
        return error.exit_code
    context = error.ctx if isinstance(error, click.UsageError) else None
    more = f" (`{context.command_path} --help` tells more.)" if context else ""
    return _tell(f"{error.format_message()}{more}", error.exit_code)


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(error, XlkitError) and error.filename:
        return f"Cannot use {error.filename}: {error.strerror}."
    return str(error)


def _tell(message: str, code: int) -> int:
    click.echo(f"xlkit: {' '.join(message.split())}", err=True)
    return code


def _show_warning(message: Warning | str, *_where: object, **_also: object) -> None:
    click.echo(f"xlkit: warning: {message}", err=True)
