"""`xlkit app`: the panels alone, in a browser, for people who do not want to see code."""

import importlib.util
import json
import os
import secrets
import socket
import subprocess
import sys
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from xlkit.cli import options
from xlkit.errors import InvalidValueError, PreflightError

_LOOPBACK = "127.0.0.1"


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on loopback.  [default: a free one]")
@click.option("--browser/--no-browser", default=True, help="Open the page in a browser.  [default: --browser]")
@click.option("--dark", is_flag=True, help="Use the dark theme.")
@options.STORE
def app(port: int, store_path: Path | None, *, browser: bool, dark: bool) -> int:
    """Serve the panels on a page of their own: launch, watch, browse, learn.

    The page is served on this machine only, and asks for the token that is printed. Ctrl-C ends it; a migration between
    Xen hosts goes on, guests that were started here end.
    """
    if importlib.util.find_spec("voila") is None:
        raise PreflightError("The page is served by Voila, which is not installed here: pip install 'xlkit[app]'.")
    port = port or _free_port()
    token = secrets.token_urlsafe(24)
    with resources.as_file(resources.files("xlkit.panels") / "app") as folder, TemporaryDirectory() as config:
        click.echo(f"http://{_LOOPBACK}:{port}/?token={token}")
        click.echo("Ctrl-C ends the page.", err=True)
        # A file that only we can read: a command line can be read by every user of the machine.
        (Path(config) / "voila.json").write_text(json.dumps({"Voila": {"token": token}}), encoding="utf-8")
        environment = _environment(folder, config, store_path)
        return _serve(_words(folder, port, browser=browser, dark=dark), environment)


def _words(folder: Path, port: int, *, browser: bool, dark: bool) -> list[str]:
    return [
        sys.executable, "-m", "voila", str(folder / "app.ipynb"), "--template=xlkit", f"--port={port}",
        f"--Voila.ip={_LOOPBACK}", "--Voila.port_retries=0", f"--Voila.open_browser={browser}",
        f"--theme={'dark' if dark else 'light'}", "--Application.log_level=WARN",
    ]  # fmt: skip


def _environment(folder: Path, config: str, store_path: Path | None) -> dict[str, str]:
    known = {**os.environ, **_first("JUPYTER_PATH", str(folder)), **_first("JUPYTER_CONFIG_PATH", config)}
    return {**known, "XLKIT_STORE": str(store_path.absolute())} if store_path else known


def _first(name: str, path: str) -> dict[str, str]:
    return {name: os.pathsep.join([path, *filter(None, [os.environ.get(name)])])}


def _serve(words: list[str], environment: dict[str, str]) -> int:
    with subprocess.Popen(words, env=environment) as server:  # noqa: S603 - our own words
        try:
            return server.wait()
        except KeyboardInterrupt:
            server.terminate()
            server.wait()
            return 0


def _free_port() -> int:
    with socket.socket() as free:
        try:
            free.bind((_LOOPBACK, 0))
        except OSError as error:
            raise InvalidValueError(f"No port is free on {_LOOPBACK}: {error.strerror}.") from error
        return int(free.getsockname()[1])
