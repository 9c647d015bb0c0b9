"""A dom0 without Xen: real shell, real cargo, real save helper; xl, the library and the guests are scripted."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.backends.dom0.conftest import CARGO
from tests.backends.dom0.toolstack import write_script
from xlkit.backends.host import LocalHost, LocalStream
from xlkit.backends.xl import XlBackend
from xlkit.errors import HostUnreachableError
from xlkit.model import Migration, Side

_HELP = "Usage: xl [-v] migrate [options] <Domain> <host>\n\n--live  Accepted for compatibility.\n"
_FLAGS = (
    "--max_iters <num>      Number of copy iterations\n--min_remaining <num>  Number of remaining dirty pages\n",
    "--abort_if_busy        Abort migration instead of doing final suspend\n",
)
_XL = """cd "$FAKE_XEN" || exit
[ "$1" = -vvv ] && shift
case "$1" in
info) cat info ;;
help) cat help ;;
domid) [ -e "guests/source/$2" ] && echo 7 ;;
list) [ -e "guests/source/$2" ] && echo "$2    7    16     1     -b----       1.3" ;;
*) exec {python} -S {migrate} "$@" ;;
esac"""
MIGRATION = Migration("guest", "destination")


class ScriptedDom0:
    """A folder that plays a dom0, and the host through which a backend reaches it."""

    def __init__(self, folder: Path, libraries: Path) -> None:
        self.folder, self.libraries = folder, libraries
        for side in Side.SOURCE, Side.DESTINATION:
            (folder / "guests" / side).mkdir(parents=True)
        (folder / "stock").mkdir()
        (folder / "bin").mkdir()
        (folder / "stock" / "policy.json").write_text("{}")
        self._program("bin/xl", _XL.format(python=sys.executable, migrate=Path(__file__).parent / "fake_xl.py"))
        self._program("bin/id", "echo 0")
        self.behave()
        self.write_script()
        self.put(Side.SOURCE)

    def behave(self, *, version: str = "4.17", **behaviour: object) -> None:
        """Say how xl behaves."""
        helper = f'XLKIT_RUN={self.folder}/stock exec {sys.executable} -ISs {CARGO}/save_helper.py "$@"'
        self._program("libxl-save-helper", f"# libxenguest.so.{version}\n{helper}")
        (self.folder / "behaviour.json").write_text(json.dumps(behaviour))
        major, minor = version.split(".")
        told = {"xen_major": major, "xen_minor": minor, "xen_version": f"{version}.7"}
        (self.folder / "info").write_text("".join(f"{name:22} : {value}\n" for name, value in told.items()))
        (self.folder / "help").write_text(_HELP + "".join(_FLAGS[: int(behaviour.get("flags", 0))]))

    def write_script(
        self, p2m: int = 4096, dirty: tuple[int, ...] = (800, 700, 600, 500, 400), **settings: int
    ) -> None:
        """Say what the guest writes."""
        write_script(self.folder / "script", p2m=p2m, dirty=list(dirty), **settings)

    def put(self, side: Side) -> None:
        """Let the guest run on that side."""
        for one in Side.SOURCE, Side.DESTINATION:
            (self.folder / "guests" / one / "guest").unlink(missing_ok=True)
        (self.folder / "guests" / side / "guest").touch()

    def sides(self) -> list[Side]:
        """Tell where guests run."""
        return [one for one in (Side.SOURCE, Side.DESTINATION) if (self.folder / "guests" / one / "guest").exists()]

    def events(self) -> str:
        """Return what the migration that runs has told so far."""
        return "".join(one.read_text() for one in self.base.glob("*/events"))

    @property
    def base(self) -> Path:
        """Where migrations have their folders."""
        return self.folder / "xlkit"

    def host(self) -> LocalHost:
        return LocalHost(environment=self.environment())

    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
            "FAKE_XEN": str(self.folder),
            "XLKIT_STOCK_HELPER": f"{self.folder}/libxl-save-helper",
            "LD_LIBRARY_PATH": str(self.libraries),
            "XEN_SCRIPT": f"{self.folder}/script",
        }

    def backend(self, **settings: object) -> XlBackend:
        return XlBackend(host=self.host(), base=str(self.base), **settings)

    def argv(self) -> list[str]:
        return json.loads((self.folder / "argv.json").read_text())

    def _program(self, name: str, body: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)


class Flaky:
    """A host whose connections can be cut."""

    def __init__(self, host: LocalHost) -> None:
        self.label, self._host, self._gone = host.label, host, False
        self.streams: list[FlakyStream] = []

    def run(self, script: str, **settings: object) -> object:
        if self._gone:
            raise HostUnreachableError("gone", host=self.label)
        return self._host.run(script, **settings)

    def stream(self, script: str) -> "FlakyStream":
        self.streams.append(FlakyStream(self._host.stream(script)))
        return self.streams[-1]

    def cut(self, *, for_good: bool = False) -> None:
        self._gone = for_good
        self.streams[-1].cut = True


class FlakyStream:
    """A stream whose connection can be cut."""

    def __init__(self, stream: LocalStream) -> None:
        self._stream, self.cut = stream, False

    def read(self, timeout_s: float) -> bytes | None:
        if self.cut:
            raise HostUnreachableError("cut", host="flaky")
        return self._stream.read(timeout_s)

    def write(self, data: bytes) -> None:
        if self.cut:
            raise HostUnreachableError("cut", host="flaky")
        self._stream.write(data)

    def close(self) -> None:
        self._stream.close()


def wait_until(holds: Callable[[], object]) -> None:
    end_s = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.01)
