"""What a field of a record says of itself, and how its mappings are kept from changing."""

from dataclasses import Field
from types import MappingProxyType
from typing import Any


def says(meaning: str, unit: str = "") -> dict[str, str]:
    """Declare a field's meaning and unit, as its metadata."""
    return {"meaning": meaning, "unit": unit}


def meaning(record_field: Field[Any]) -> str:
    """Tell what a field of a record means.

    Parameters
    ----------
    record_field : dataclasses.Field
        A field of one of the records of this module.

    Returns
    -------
    str
        One line.
    """
    return str(record_field.metadata.get("meaning", ""))


def unit(record_field: Field[Any]) -> str:
    """Tell the unit of a field of a record.

    Parameters
    ----------
    record_field : dataclasses.Field
        A field of one of the records of this module.

    Returns
    -------
    str
        The unit, empty where the field is no quantity.
    """
    return str(record_field.metadata.get("unit", ""))


def freeze_mappings(record: object, *names: str) -> None:
    """Put a copy that nobody can change in the place of each mapping."""
    for name in names:
        object.__setattr__(record, name, MappingProxyType(dict(getattr(record, name))))
