"""A check that speaks, and all checks of a contract at once; no test framework, nothing that ``python -O`` drops."""


def expect(kept: object, otherwise: str) -> None:
    """Raise `AssertionError` with a sentence where a promise is not kept."""
    if not kept:
        raise AssertionError(otherwise)


def prove(contract: object) -> list[str]:
    """Run every check of a contract, for a notebook or a script; pytest finds them by itself.

    Parameters
    ----------
    contract : object
        An instance of a subclass of `PolicyContract` or `BackendContract`.

    Returns
    -------
    list of str
        Names of the checks, all of which held.

    Raises
    ------
    AssertionError
        If one did not hold; it says what was expected.
    """
    checks = [name for name in dir(contract) if name.startswith("test_")]
    for name in checks:
        getattr(contract, name)()
    return checks
