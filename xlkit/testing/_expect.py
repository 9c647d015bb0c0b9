"""A check that speaks: no test framework, and not switched off by ``python -O``."""


def expect(kept: object, otherwise: str) -> None:
    """Raise `AssertionError` with a sentence where a promise is not kept."""
    if not kept:
        raise AssertionError(otherwise)
