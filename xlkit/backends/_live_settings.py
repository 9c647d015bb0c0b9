"""The settings of a live migration, read and checked once."""

import platform
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from xlkit.engine import trackers, transport
from xlkit.engine.workload import Idle, Stages, Steady, Workload, first_data_page, to_settings
from xlkit.errors import InvalidValueError
from xlkit.units import PAGE_BYTES, UINT32_MAX, pages, parse_bytes, parse_bytes_s, whole_number

Suspend = Literal["cooperative", "hard"]
Verify = Literal["replay", "hold"]
_WORKLOADS: Final = (*get_args(Steady), Stages)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSettings:
    """What a live migration needs to know; `checked` makes one."""

    memory_bytes: int
    bandwidth_bytes_s: float | None
    workload: Workload
    tracker: str | None
    transport: str | None
    suspend: Suspend
    verify: Verify | None
    seed: int
    connect: tuple[str, int] | None
    token: str | None

    def public(self) -> dict[str, Any]:
        """Tell what may be recorded: all but the token.

        Returns
        -------
        dict
            What JSON can hold.
        """
        return {
            "memory_bytes": self.memory_bytes,
            "bandwidth_bytes_s": self.bandwidth_bytes_s,
            "workload": to_settings(self.workload),
            "suspend": self.suspend,
            "verify": self.verify,
            "seed": self.seed,
            "connect": None if self.connect is None else f"{self.connect[0]}:{self.connect[1]}",
        }


def checked(  # noqa: PLR0913 - the settings of the backend, one by one
    *,
    memory: str | int,
    bandwidth: str | float | None,
    workload: Workload,
    tracker: str | None,
    transport_form: str | None,
    suspend: str,
    verify: str | None,
    seed: int,
    connect: tuple[str, int] | None,
    token: str | None,
) -> LiveSettings:
    """Read and check all settings.

    Parameters
    ----------
    memory, bandwidth, workload, tracker, transport_form, suspend, verify, seed, connect, token : object
        As `xlkit.backends.local.LocalBackend` takes them.

    Returns
    -------
    LiveSettings
        Numbers instead of text.

    Raises
    ------
    InvalidValueError
        If a setting cannot be used.
    """
    memory_bytes = pages(parse_bytes(memory)) * PAGE_BYTES
    if memory_bytes // PAGE_BYTES > UINT32_MAX:
        raise InvalidValueError(f"A guest has at most {UINT32_MAX} pages, not {memory_bytes // PAGE_BYTES}.")
    _check_workload(workload, memory_bytes // PAGE_BYTES)
    _one_of("tracker", tracker, (None, *trackers.NAMES))
    _one_of("transport", transport_form, (None, *transport.NAMES))
    _one_of("suspend", suspend, get_args(Suspend))
    _one_of("verify", verify, (None, *get_args(Verify)))
    if suspend == "hard" and platform.system() != "Linux":
        raise InvalidValueError("suspend='hard' needs Linux; take suspend='cooperative'.")
    return LiveSettings(
        memory_bytes=memory_bytes,
        bandwidth_bytes_s=None if bandwidth is None else parse_bytes_s(bandwidth),
        workload=workload,
        tracker=tracker,
        transport=transport_form,
        suspend="hard" if suspend == "hard" else "cooperative",
        verify=None if verify is None else "hold" if verify == "hold" else "replay",
        seed=whole_number("seed", seed),
        connect=_address(connect, token),
        token=token,
    )


def _one_of(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        shown = ", ".join(repr(one) for one in allowed)
        raise InvalidValueError(f"{name} must be one of {shown}, not {value!r}.")


def _address(connect: object, token: str | None) -> tuple[str, int] | None:
    if connect is None:
        if token is not None:
            raise InvalidValueError("token= goes with connect=: it is the one that `xlkit receive` printed there.")
        return None
    if not isinstance(connect, tuple) or len(connect) != 2 or not isinstance(connect[0], str):  # noqa: PLR2004 - a pair
        raise InvalidValueError(f"connect must be a pair of host and port, not {connect!r}.")
    if not token:
        raise InvalidValueError("connect= needs token=: `xlkit receive` prints it on the other machine.")
    return connect[0], whole_number("port", connect[1], largest=65535)


def _check_workload(workload: Workload, memory_pages: int) -> None:
    if not isinstance(workload, _WORKLOADS):
        raise InvalidValueError(f"workload must be one of xlkit's workloads such as Uniform, not {workload!r}.")
    data_pages = memory_pages - first_data_page(memory_pages)
    for steady in _steady(workload):
        if isinstance(steady, Idle):
            continue
        wanted_pages = max(steady.working_set_pages or 0, getattr(steady, "hot_pages", 0))
        if wanted_pages > data_pages:
            raise InvalidValueError(
                f"The workload writes {wanted_pages} pages, the guest has {data_pages} for data. "
                "Take a smaller working set or a larger guest."
            )


def _steady(workload: Workload) -> list[Steady]:
    return [stage.workload for stage in workload.stages] if isinstance(workload, Stages) else [workload]
