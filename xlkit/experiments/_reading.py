"""Plans from TOML, with errors that name the key."""

import difflib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from xlkit.errors import InvalidValueError
from xlkit.experiments._plan import Budget, EarlyStop, Plan
from xlkit.model import Migration
from xlkit.policies import POLICIES
from xlkit.protocols import Policy

_KEYS: Final = (*(one.name for one in fields(Plan)), "grid")
_GRID_KEYS: Final = ("min_remaining", "max_iters")


def read_plan(path: str | Path) -> Plan:
    """Read a plan from a TOML file.

    Parameters
    ----------
    path : str or pathlib.Path
        The file: the fields of `Plan`, where ``[grid]`` with lists of ``min_remaining`` and ``max_iters`` stands for
        the policies of a grid.

    Returns
    -------
    Plan
        The plan.

    Raises
    ------
    InvalidValueError
        If it is no TOML, or a key or a value cannot be used; the message names it and what would do.
    OSError
        If the file cannot be read.
    """
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidValueError(f"{path} is no TOML: {error}.") from error
    plan: Plan = _told(str(path), plan_from_data, data)
    return plan


def plan_from_data(data: Mapping[str, Any]) -> Plan:
    """Turn plain data into the plan that it tells.

    Parameters
    ----------
    data : mapping
        The fields of `Plan`, and ``grid``.

    Returns
    -------
    Plan
        The plan.

    Raises
    ------
    InvalidValueError
        If a key or a value cannot be used; the message names it.

    Examples
    --------
    >>> plan = plan_from_data({"name": "two", "grid": {"min_remaining": [50, 500]}, "workloads": {"steady": {}}})
    >>> [policy.min_remaining for policy in plan.policies]
    [50, 500]
    """
    check_keys("a plan", data, _KEYS)
    if missing := [name for name in ("name", "workloads") if name not in data]:
        raise InvalidValueError(f"A plan needs {missing[0]}.")
    known = dict(data)
    grid = known.pop("grid", None)
    policies = [_policy(f"policies[{at}]", one) for at, one in enumerate(_listed("policies", known.get("policies")))]
    known["policies"] = [*policies, *_told("grid", _grid, grid)] if grid is not None else policies
    for name, kind in {"budget": Budget, "early_stop": EarlyStop, "migration": Migration}.items():
        if name in known:
            known[name] = _record(name, kind, known[name])
    for name, settings in _table("workloads", known["workloads"]).items():
        _table(f"workloads.{name}", settings)
    return Plan(**known)


def check_keys(what: str, given: Iterable[str], allowed: Iterable[str]) -> None:
    """Refuse a key that is not known, and name the one that was meant."""
    allowed = tuple(allowed)
    for key in given:
        if key not in allowed:
            near = difflib.get_close_matches(key, allowed, n=1)
            meant = f"; did you mean {near[0]}?" if near else "."
            raise InvalidValueError(f"There is no {key!r} in {what}{meant} It takes {', '.join(allowed) or 'nothing'}.")


def _grid(grid: Any) -> tuple[Policy, ...]:
    check_keys("grid", _table("grid", grid), _GRID_KEYS)
    few, most = ([0] if name not in grid else _listed(name, grid[name]) for name in _GRID_KEYS)
    return Plan.grid(few, most)


def _policy(where: str, settings: Any) -> Policy:
    rest = dict(_table(where, settings))
    name = rest.pop("name", None)
    if name not in POLICIES:
        near = difflib.get_close_matches(str(name), POLICIES, n=1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise InvalidValueError(f"{where}.name must be one of {', '.join(POLICIES)}, not {name!r}.{meant}")
    kind = POLICIES[name]
    check_keys(f"{where} ({name})", rest, [one.name for one in fields(kind)])
    policy: Policy = _told(where, lambda values: kind(**values), rest)
    return policy


def _record(where: str, kind: Callable[..., Any], settings: Any) -> Any:
    check_keys(where, _table(where, settings), [one.name for one in fields(kind) if one.name != "_"])  # type: ignore[arg-type]
    return _told(where, lambda values: kind(**values), settings)


def _told(where: str, make: Callable[[Any], Any], value: Any) -> Any:
    """Make something of a value; what it complains of begins with where that stands."""
    try:
        return make(value)
    except (TypeError, ValueError) as error:
        raise InvalidValueError(f"{where}: {error}") from error


def _table(where: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidValueError(f"{where} must be a table of keys and values, not {value!r}.")
    return value


def _listed(where: str, value: Any) -> list[Any]:
    if not isinstance(value, list | tuple | None):
        raise InvalidValueError(f"{where} must be a list, not {value!r}.")
    return list(value or ())
