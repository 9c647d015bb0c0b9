"""Every public name is documented, in numpydoc's form, with the parameters that it has."""

import importlib
import inspect
import pkgutil
import tomllib
from pathlib import Path

import pytest
from numpydoc.validate import validate

import xlkit

CHECKS = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["tool"]["numpydoc_validation"][
    "checks"
]
# Here the objects themselves are looked at, so the parameters of a dataclass are known.
PASSED_OVER = set(CHECKS) - {"all", "PR02"}

# The validator reads every attribute of a class, among them those that ipywidgets deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:Widget:DeprecationWarning")


def public_modules():
    names = (found.name for found in pkgutil.walk_packages(xlkit.__path__, "xlkit."))
    return sorted(name for name in names if not any(part.startswith("_") for part in name.split(".")))


def public_names(module_name):
    """List what a module offers: what it lists, or what it defines, and the public members of its classes."""
    module = importlib.import_module(module_name)
    for name in getattr(module, "__all__", vars(module)):
        offered = getattr(module, name)
        if name.startswith("_") or not (inspect.isclass(offered) or inspect.isfunction(offered)):
            continue
        if not hasattr(module, "__all__") and offered.__module__ != module_name:
            continue
        yield f"{module_name}.{name}"
        if inspect.isclass(offered):
            yield from (f"{module_name}.{name}.{member}" for member in own_methods(offered))


def own_methods(offered):
    """List the documented methods and properties that a class defines itself; an override may say nothing."""
    kinds = (property, staticmethod, classmethod)
    return [
        name
        for name, member in vars(offered).items()
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, kinds)) and member.__doc__
    ]


def is_protocol(name):
    return getattr(pkgutil.resolve_name(name), "_is_protocol", False)


def complaints(name):
    # A widget takes its traits by keyword, which no signature tells.
    passed_over = PASSED_OVER | ({"PR02"} if hasattr(pkgutil.resolve_name(name), "class_traits") else set())
    return [f"{name}: {code} {text}" for code, text in validate(name)["errors"] if code not in passed_over]


@pytest.mark.parametrize("module", public_modules())
def test_public_docstrings_are_in_numpydocs_form(module):
    assert [complaint for name in public_names(module) for complaint in complaints(name)] == []


@pytest.mark.parametrize("module", public_modules())
def test_public_functions_and_classes_have_a_docstring(module):
    offered = [name for name in public_names(module) if name.count(".") == module.count(".") + 1]
    assert [name for name in offered if not inspect.getdoc(pkgutil.resolve_name(name))] == []


@pytest.mark.parametrize("seam", ["protocols", "policies", "frames", "views"])
def test_the_seams_tell_their_parameters_one_by_one(seam):
    module = f"xlkit.{seam}"
    offered = [name for name in public_names(module) if name.count(".") == module.count(".") + 1]
    callables = [name for name in offered if not is_protocol(name)]
    assert [text for name in callables for code, text in validate(name)["errors"] if code == "PR01"] == []
