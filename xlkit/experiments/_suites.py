"""Plans that ship with the package."""

from importlib.resources import files

from xlkit.errors import InvalidValueError
from xlkit.experiments._plan import Plan
from xlkit.experiments._reading import read_plan


def suites() -> dict[str, Plan]:
    """Read the plans that ship with the package.

    Returns
    -------
    dict of str to Plan
        By name; the description of each says what it varies.

    Examples
    --------
    >>> sorted(suites())
    ['knobs', 'links', 'wild', 'writers']
    """
    folder = files("xlkit.experiments") / "plans"
    plans = [read_plan(str(path)) for path in folder.iterdir() if path.name.endswith(".toml")]
    return {plan.name: plan for plan in sorted(plans, key=lambda plan: plan.name)}


def suite(name: str) -> Plan:
    """Read one of the plans that ship with the package.

    Parameters
    ----------
    name : str
        As `suites` lists it.

    Returns
    -------
    Plan
        The plan.

    Raises
    ------
    InvalidValueError
        If there is no such suite.

    Examples
    --------
    >>> suite("knobs").repetitions
    5
    """
    known = suites()
    if name not in known:
        raise InvalidValueError(f"There is no suite {name!r}; there are {', '.join(known)}.")
    return known[name]
