"""What a newcomer meets first: the make targets, the dependencies, the licence."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

import xlkit

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TARGETS = ("venv", "demo", "lab", "test", "browser", "bench", "check")
ON_CONDA_FORGE = {"duckdb": "python-duckdb", "kaleido": "python-kaleido", "playwright": "playwright-python"}
MAKE = shutil.which("make")

OLD_PYTHON = """#!/bin/sh
[ "$1" = -V ] && { echo Python 3.9.2; exit; }
case "$2" in *version_info*) exit 1;; esac
"""
PYTHON_WITHOUT_VENV = """#!/bin/sh
case "$2" in *ensurepip*) exit 1;; esac
"""

needs_make = pytest.mark.skipif(MAKE is None, reason="no make here")


def requirements(*groups):
    """Read the requirements of pyproject.toml as name -> bound."""
    lines = [line for group in groups for line in group]
    return dict(re.fullmatch(r"([\w-]+)(>=[\w.]+)", line).groups() for line in lines)


def conda_requirements():
    """Read the requirements of environment.yml as name -> bound, without a YAML library."""
    text = (ROOT / "environment.yml").read_text()
    return dict(re.findall(r"^  - ([\w-]+) ?(>=[\w.]+)$", text, re.MULTILINE))


def make_without(tmp_path, *words, **programs):
    """Call make where nothing but `programs` (and echo) is on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "echo").symlink_to(shutil.which("echo"))
    for name, script in programs.items():
        (folder / name.replace("_", ".")).write_text(script)
        (folder / name.replace("_", ".")).chmod(0o755)
    command = [MAKE, "--directory", ROOT, f"VENV={tmp_path / 'venv'}", *words]
    return subprocess.run(command, env={"PATH": str(folder)}, capture_output=True, text=True, check=False)


def complaint(result):
    """Give what was said on standard error before make's own line."""
    *said, last = result.stderr.splitlines()
    assert "***" in last
    return "\n".join(said)


def test_environment_yml_has_the_requirements_of_pyproject():
    wanted = requirements(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    named = {ON_CONDA_FORGE.get(name, name): bound for name, bound in wanted.items()}
    assert conda_requirements() == named | {"python": PROJECT["requires-python"]}


def test_a_requirement_has_one_floor_wherever_it_is_named():
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    lines = {line for group in groups for line in group}
    assert len(lines) == len(requirements(lines))


def test_the_readme_tells_what_each_core_dependency_is_for():
    readme = (ROOT / "README.md").read_text()
    missing = [name for name in requirements(PROJECT["dependencies"]) if f"| `{name}` |" not in readme]
    assert missing == []


def test_the_change_log_knows_this_version():
    assert f"## [{xlkit.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_licence_is_the_one_that_pyproject_names():
    assert PROJECT["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text()


@needs_make
def test_make_alone_lists_every_target(tmp_path):
    said = make_without(tmp_path).stdout
    assert [target for target in TARGETS if f"make {target} " not in said] == []


@needs_make
@pytest.mark.parametrize("target", TARGETS)
def test_every_target_says_that_python_is_missing(tmp_path, target):
    result = make_without(tmp_path, target)
    assert result.returncode == 2
    assert complaint(result) == "xlkit needs Python 3.11 or newer, and no python3 was found on the PATH."


@needs_make
def test_a_python_that_is_too_old_gets_one_sentence(tmp_path):
    said = complaint(make_without(tmp_path, "demo", python3=OLD_PYTHON))
    assert said.startswith("xlkit needs Python 3.11 or newer, and python3 is Python 3.9.2.")
    assert "\n" not in said


@needs_make
def test_a_python_that_is_named_but_not_there_gets_one_sentence(tmp_path):
    said = complaint(make_without(tmp_path, "demo", "PYTHON=/no/such/python"))
    assert said.startswith("xlkit needs Python 3.11 or newer, and /no/such/python is not one.")


@needs_make
def test_a_missing_venv_module_gets_its_cure(tmp_path):
    said = complaint(make_without(tmp_path, "demo", python3_12=PYTHON_WITHOUT_VENV))
    assert "apt install python3-venv" in said
    assert "\n" not in said
    assert not (tmp_path / "venv").exists()


@needs_make
def test_an_older_python_beside_a_new_one_does_not_get_in_the_way(tmp_path):
    said = complaint(make_without(tmp_path, "demo", python3_11=PYTHON_WITHOUT_VENV, python3=OLD_PYTHON))
    assert said.startswith("python3.11 cannot make environments")
