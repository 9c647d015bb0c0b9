"""`xlkit receive`: the destination of migrations that come from another process or another machine."""

import ipaddress
import json
import secrets
import signal

import click

from xlkit.cli import options

_TOKEN_BYTES = 16


@click.command()
@click.option(
    "--listen",
    type=options.ADDRESS,
    default="127.0.0.1:0",
    show_default=True,
    help="Where to listen; port 0 takes a free one. The default is reached from this machine only.",
)
@click.option(
    "--token", envvar="XLKIT_TOKEN", help="What a sender has to know (or XLKIT_TOKEN).  [default: a new one, printed]"
)
@click.option(
    "--max-memory",
    "max_memory_bytes",
    type=options.MEMORY,
    help="The most that all guests together may take.  [default: what the machine has free]",
)
@click.option("--once", is_flag=True, help="Leave when the first guest that was taken over has ended.")
@options.JSON
def receive(
    listen: tuple[str, int], token: str | None, max_memory_bytes: int | None, *, once: bool, as_json: bool
) -> None:  # fmt: skip
    """Receive guests and run them, until Ctrl-C.

    Prints where it listens and the token without which a sender is refused. The token never crosses the network, but
    the guest's memory does so in the clear: use a network that you trust.
    """
    from xlkit.engine.receiver import serve

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    secret = token or secrets.token_urlsafe(_TOKEN_BYTES)
    serve(
        *listen,
        token=secret,
        max_memory_bytes=max_memory_bytes,
        once=once,
        announce=lambda host, port: click.echo(_announcement(host, port, secret, as_json=as_json)),
    )


def _announcement(host: str, port: int, token: str, *, as_json: bool) -> str:
    if as_json:
        return json.dumps({"host": host, "port": port, "token": token})
    shown = f"[{host}]" if ":" in host else host
    here = "THIS-MACHINE" if ipaddress.ip_address(host).is_unspecified else shown
    return (
        f"listening on {shown}:{port}\ntoken {token}\n"
        f"At the source: XLKIT_TOKEN={token} xlkit migrate --connect {here}:{port} DOMAIN HOST"
    )
