"""The face: quick to import, and complete."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import xlkit

HEAVY = {"IPython", "anywidget", "ipywidgets", "numpy", "pandas", "paramiko", "plotly", "pyarrow"}


def run_python(*code):
    command = [sys.executable, "-c", "\n".join(code)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def typed_names():
    """Read the names that a type checker sees."""
    tree = ast.parse(Path(xlkit.__file__).read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    return {alias.name for node in block.body for alias in node.names}


def test_importing_xlkit_loads_no_heavy_library():
    loaded = run_python("import sys, xlkit", "print(*sys.modules)")
    assert HEAVY.isdisjoint(loaded)


def test_importing_xlkit_loads_none_of_its_rooms():
    loaded = run_python("import sys, xlkit", "print(*sys.modules)")
    assert [name for name in loaded if name.startswith("xlkit.")] == []


def test_the_command_line_shows_its_help_without_heavy_libraries():
    loaded = run_python("import sys, xlkit.cli", "print(*sys.modules)")
    assert HEAVY.isdisjoint(loaded)


@pytest.mark.parametrize("name", xlkit.__all__)
def test_every_name_of_the_face_is_there(name):
    assert getattr(xlkit, name).__name__.rpartition(".")[2] == name


def test_a_type_checker_sees_the_same_names():
    assert typed_names() == set(xlkit.__all__)


def test_dir_lists_the_names_before_they_are_loaded():
    assert set(xlkit.__all__) <= set(run_python("import xlkit", "print(*dir(xlkit))"))


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'LocalBackEnd'"):
        _ = xlkit.LocalBackEnd
