"""The first words of a connection: the sender proves that it knows the token, and says what it wants.

The token itself never crosses the wire: the receiver sends a random challenge, and the sender answers with a digest of
challenge and request under the token as key.
"""

import hmac
import json
import platform
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from xlkit.engine import wire
from xlkit.errors import EngineError

TIMEOUT_S: Final = 10.0
_NAMESPACES: Final = (Path("/proc/self/ns/pid"), Path("/proc/self/ns/time"))


class Refused(EngineError):  # noqa: N818 - what the receiver did, said as it is
    """The receiver does not want this request; it says why."""


def machine() -> str:
    """Name this machine as far as clocks and process ids reach.

    Returns
    -------
    str
        Differs between two boots, and between two containers that do not share their processes.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        spaces = [str(space.readlink()) for space in _NAMESPACES if space.exists()]
    except OSError:
        return platform.node()
    return " ".join((boot, *spaces))


def ask(sock: socket.socket, token: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Say hello as the sender: prove the token and ask for something.

    Parameters
    ----------
    sock : socket.socket
        Connected stream on which nothing was said yet.
    token : str
        The receiver's token.
    request : mapping
        What is wanted; its field ``want`` says which kind.

    Returns
    -------
    dict
        The receiver's answer.

    Raises
    ------
    Refused
        If the receiver refuses.
    EngineError
        If it is gone, or is no receiver of this version.
    """
    challenge = wire.receive_message(sock)
    if challenge.get("protocol") != wire.PROTOCOL:
        theirs = challenge.get("protocol")
        raise EngineError(f"The peer speaks {theirs!r}, this side {wire.PROTOCOL!r}. Install the same xlkit on both.")
    body = json.dumps(dict(request))
    proof = _proof(token, str(challenge.get("nonce")), body)
    wire.send_message(sock, {"protocol": wire.PROTOCOL, "proof": proof, "body": body})
    answer = wire.receive_message(sock)
    if "refused" in answer:
        raise Refused(f"The receiver refused: {answer['refused']}")
    return answer


def hear(sock: socket.socket, token: str) -> dict[str, Any]:
    """Hear the hello as the receiver.

    Parameters
    ----------
    sock : socket.socket
        Connection just accepted.
    token : str
        What the sender has to know.

    Returns
    -------
    dict
        The sender's request.

    Raises
    ------
    Refused
        If the sender does not know the token; it was told so.
    EngineError
        If it is gone or does not speak this protocol.
    """
    nonce = secrets.token_hex(16)
    wire.send_message(sock, {"protocol": wire.PROTOCOL, "nonce": nonce})
    hello = wire.receive_message(sock)
    body, proof = str(hello.get("body")), str(hello.get("proof"))
    if not hmac.compare_digest(_proof(token, nonce, body).encode(), proof.encode()):
        raise refuse(sock, "the token is not the one that this receiver printed.")
    try:
        request = json.loads(body)
    except ValueError as error:
        raise refuse(sock, f"the request cannot be read ({error}).") from error
    if not isinstance(request, dict):
        raise refuse(sock, "the request cannot be read.")
    return request


def refuse(sock: socket.socket, why: str) -> Refused:
    """Tell a sender that it is not wanted.

    Parameters
    ----------
    sock : socket.socket
        The connection.
    why : str
        The reason, for people.

    Returns
    -------
    Refused
        To be raised.
    """
    wire.send_message(sock, {"refused": why})
    return Refused(why)


def _proof(token: str, nonce: str, body: str) -> str:
    return hmac.new(token.encode(), f"{wire.PROTOCOL}\n{nonce}\n{body}".encode(), "sha256").hexdigest()
