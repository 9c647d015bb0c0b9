"""A folder in which a helper can run against a scripted libxenguest."""

import json
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import xlkit
from tests.backends.dom0.toolstack import Save, write_script

CARGO = Path(xlkit.__file__).parent / "backends" / "dom0"


@dataclass
class Dom0:
    """A dom0 of the given Xen version, with a stock helper that only says that it ran."""

    folder: Path
    libraries: Path
    stream_fd: int
    version: str = "4.17"

    def __post_init__(self) -> None:
        self.stock = self.folder / "libxl-save-helper"
        self.stock.write_text(
            f'#!/bin/sh\n# libxenguest.so.{self.version}\necho stock "$@" > {self.folder}/stock-ran\n'
        )
        self.stock.chmod(0o700)
        self.policy()
        self.script(p2m=4096, dirty=[800, 700, 600, 500, 400])

    def make_stock_save(self) -> None:
        """Let the stock helper save, too: Xen's own rule, and no record."""
        apart = self.folder / "stock"
        apart.mkdir()
        (apart / "policy.json").write_text("{}")
        self.stock.write_text(
            f"#!/bin/sh\n# libxenguest.so.{self.version}\n"
            f'XLKIT_RUN={apart} exec {sys.executable} -ISs {CARGO}/save_helper.py "$@"\n'
        )

    def policy(self, **settings: object) -> None:
        """Put a policy where the helper looks for it, as a whole."""
        beside = self.folder / "policy.new"
        beside.write_text(json.dumps(settings))
        beside.rename(self.folder / "policy.json")

    def script(self, **settings: object) -> None:
        write_script(self.folder / "script", **settings)

    def save(self, cargo: str = "save_helper.py", **settings: object) -> Save:
        environment = {
            "LD_LIBRARY_PATH": str(self.libraries),
            "XEN_SCRIPT": str(self.folder / "script"),
            "XLKIT_RUN": str(self.folder),
            "XLKIT_STOCK_HELPER": str(self.stock),
            "PATH": os.environ["PATH"],
        }
        return Save([sys.executable, "-ISs", str(CARGO / cargo)], self.stream_fd, environment, **settings)

    def events(self, kind: str = "") -> list[dict]:
        path = self.folder / "events"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [line for line in lines if kind in ("", line["event"])]

    def calls(self) -> list[tuple[int, int, int, str]]:
        """Return the policy's calls as recorded: iteration, dirty count, total written, decision."""
        names = ("iteration", "dirty_count", "total_written", "decision")
        return [tuple(one[name] for name in names) for one in self.events("policy-call")]


@pytest.fixture
def dom0(tmp_path: Path, libraries: Path) -> Iterator[Dom0]:
    """Give a dom0 whose migration stream is drained."""
    reading, writing = os.pipe()

    def drain() -> None:
        while os.read(reading, 1 << 16):
            pass

    drainer = threading.Thread(target=drain)
    drainer.start()
    yield Dom0(tmp_path, libraries, writing)
    os.close(writing)
    drainer.join(5)
    os.close(reading)
