"""The error family: one root, and messages that say what to do."""

import inspect

import pytest

from xlkit import errors
from xlkit.errors import InvalidValueError, UnknownRunError, XlkitError


def test_every_error_has_the_one_root():
    family = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    assert len(family) > 5
    assert all(issubclass(kind, XlkitError) for kind in family if issubclass(kind, Exception))


def test_a_bad_value_is_a_value_error_too():
    with pytest.raises(ValueError, match="too many"):
        raise InvalidValueError("too many")


def test_an_unknown_run_says_where_to_look():
    assert "xlkit runs" in str(UnknownRunError("nope"))


def test_an_ambiguous_run_lists_the_first_five_and_counts_the_rest():
    message = str(UnknownRunError("2026", tuple(f"2026-{n}" for n in range(7))))
    assert "2026-4" in message
    assert "2026-5" not in message
    assert "2 more" in message
