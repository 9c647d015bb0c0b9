"""A scripted libxenguest, built once."""

import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "dom0" / "xenguest.c"


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the scripted library under the names that Xen 4.14 and 4.17 give it."""
    folder = tmp_path_factory.mktemp("lib")
    for version, flags in (("4.14", ["-DSTATS16"]), ("4.17", [])):
        path = folder / f"libxenguest.so.{version}"
        subprocess.run(["gcc", "-O1", "-shared", "-fPIC", *flags, "-o", path, SOURCE], check=True)
        (folder / f"libxenctrl.so.{version}").symlink_to(path)
    return folder
