"""An event as one JSON line, and back."""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from xlkit.errors import StoreError
from xlkit.model import Control, Event, Iteration, RunStart, RunStop

_KINDS: Mapping[str, type[Event]] = {"start": RunStart, "iteration": Iteration, "control": Control, "stop": RunStop}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_PLAIN = frozenset({int, float, str, bool, NoneType})

PolicyCodec = tuple[Callable[[Any], dict[str, Any]], Callable[[Mapping[str, Any]], Any]]
"""Policy to plain data, and plain data to policy: `to_settings` and `from_settings` of the policies."""


def to_line(event: Event, codec: PolicyCodec) -> str:
    """Write an event as one line of JSON.

    Parameters
    ----------
    event : RunStart, Iteration, Control or RunStop
        Any event of a run.
    codec : tuple of two callables
        Policy to plain data, and back.

    Returns
    -------
    str
        A JSON object without a line break; its field ``event`` says which kind it is.
    """
    return json.dumps({"event": _NAMES[type(event)], **to_data(event, codec)}, allow_nan=False, ensure_ascii=False)


def from_line(line: str, codec: PolicyCodec) -> Event:
    """Read an event from one line of JSON.

    Parameters
    ----------
    line : str
        What `to_line` wrote; fields that this version does not know are passed over, missing ones get their default.
    codec : tuple of two callables
        Policy to plain data, and back.

    Returns
    -------
    RunStart, Iteration, Control or RunStop
        An equal event.

    Raises
    ------
    StoreError
        If the line is no event.
    """
    try:
        data = json.loads(line)
        event: Event = from_data(_KINDS[data.pop("event")], data, codec)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"Not an event of a run: {line[:80]!r} ({type(error).__name__}: {error}).") from error
    return event


def to_data(record: Any, codec: PolicyCodec) -> Any:
    """Turn a record into what JSON can hold.

    Parameters
    ----------
    record : object
        A record of `xlkit.model`, or what its fields hold.
    codec : tuple of two callables
        Policy to plain data, and back.

    Returns
    -------
    object
        Mappings, lists, text, numbers and None.
    """
    if is_dataclass(record):
        values = {one.name: getattr(record, one.name) for one in fields(record)}
        if values.get("policy") is not None:
            values["policy"] = codec[0](values["policy"])
        return {name: to_data(value, codec) for name, value in values.items()}
    if isinstance(record, Enum):
        return record.value
    if isinstance(record, datetime):
        return record.astimezone(UTC).isoformat()
    if isinstance(record, Mapping):
        return {str(key): to_data(value, codec) for key, value in record.items()}
    if isinstance(record, list | tuple):
        # A heartbeat holds thousands of numbers, and is written between two passes.
        plain = _PLAIN.issuperset(map(type, record))
        return list(record) if plain else [to_data(value, codec) for value in record]
    return record


def from_data(kind: type[Any], data: Mapping[str, Any], codec: PolicyCodec) -> Any:
    """Turn plain data back into the record it came from.

    Parameters
    ----------
    kind : type
        A record of `xlkit.model`.
    data : mapping
        What `to_data` returned.
    codec : tuple of two callables
        Policy to plain data, and back.

    Returns
    -------
    object
        An equal record of that kind.

    Raises
    ------
    KeyError
        If a field that has no default is missing.
    """
    values: dict[str, Any] = {}
    hints = _hints(kind)  # type: ignore[arg-type] # a class can be hashed
    for one in fields(kind):
        if one.name in data:
            value = data[one.name]
            is_policy = one.name == "policy" and value is not None
            values[one.name] = codec[1](value) if is_policy else _restore(hints[one.name], value, codec)
        elif one.default is MISSING and one.default_factory is MISSING:
            raise KeyError(one.name)
    return kind(**values)


# A store of thousands of runs asks for the same few records' hints again and again.
_hints = cache(get_type_hints)


def _restore(hint: Any, value: Any, codec: PolicyCodec) -> Any:
    if value is None:
        return None
    if get_origin(hint) in {Union, UnionType}:
        hint = next(arg for arg in get_args(hint) if arg is not NoneType)
    if get_origin(hint) is tuple:
        inner = get_args(hint)[0]
        return tuple(value) if inner is int else tuple(_restore(inner, one, codec) for one in value)
    if is_dataclass(hint):
        return from_data(cast("type[Any]", hint), value, codec)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    return datetime.fromisoformat(value) if hint is datetime else float(value) if hint is float else value
