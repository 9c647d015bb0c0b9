"""What must hold before a live migration starts; each finding is a `PreflightError`, and nothing is changed."""

import socket
from typing import Any

from xlkit.backends._live_settings import LiveSettings
from xlkit.engine import trackers, transport
from xlkit.engine.memory import require_free
from xlkit.engine.outcome import Destination
from xlkit.errors import EngineError, PreflightError
from xlkit.units import format_bytes


def probe_mechanisms(settings: LiveSettings) -> dict[str, Any]:
    """Try out tracker and transport.

    Parameters
    ----------
    settings : LiveSettings
        The backend's settings.

    Returns
    -------
    dict
        Names of ``tracker``, ``transport`` and ``congestion_control``.

    Raises
    ------
    PreflightError
        If the tracker asked for does not work here.
    """
    try:
        tracker = trackers.probe(force=settings.tracker)
    except EngineError as error:
        raise PreflightError(f"The tracker {settings.tracker!r} does not work here: {error}") from error
    with socket.socket() as sock:
        congestion_control = transport.tune(sock)
    return {
        "tracker": tracker,
        "transport": transport.choose(force=settings.transport),
        "congestion_control": congestion_control,
    }


def probe_memory(needed_bytes: int) -> None:
    """Look whether there is memory for what has to be allocated here.

    Parameters
    ----------
    needed_bytes : int
        For source and destination, as far as they are on this machine [byte].

    Raises
    ------
    PreflightError
        If less is free.
    """
    try:
        require_free(needed_bytes)
    except EngineError as error:
        raise PreflightError(str(error)) from error


def probe_destination(settings: LiveSettings) -> None:
    """Ask the receiver on another machine whether it would take the guest.

    Parameters
    ----------
    settings : LiveSettings
        The backend's settings.

    Raises
    ------
    PreflightError
        If it does not answer, does not know the token, or allows no guest of this size.
    """
    if settings.connect is None or settings.token is None:
        return
    host, port = settings.connect
    try:
        status = Destination(host=host, port=port, token=settings.token, migration="").ask("status")
    except EngineError as error:
        raise PreflightError(f"The receiver cannot take the guest: {error}") from error
    left_bytes = status.get("left_bytes")
    if left_bytes is not None and left_bytes < settings.memory_bytes:
        raise PreflightError(
            f"The receiver at {host}:{port} has {format_bytes(left_bytes)} left, the guest needs "
            f"{format_bytes(settings.memory_bytes)}. Take a smaller guest, or a larger --max-memory there."
        )
