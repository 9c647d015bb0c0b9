"""The save helper on Debian's own libxenguest: the real loop and the real stream writer, with scripted hypercalls."""

import subprocess
from pathlib import Path

import pytest

from tests.backends.dom0.conftest import Dom0
from tests.backends.dom0.toolstack import COMPLETE, LOG, LOGDIRTY, PROGRESS, SUSPEND, on_iteration

pytestmark = [pytest.mark.xenlib, pytest.mark.timeout(300)]
HERE = Path(__file__).parent
PACKAGES = (
    "libfdt1", "libnl-3-200", "libnl-route-3-200", "libxen-dev", "libxencall1", "libxendevicemodel1", "libxenevtchn1",
    "libxenforeignmemory1", "libxengnttab1", "libxenhypfs1", "libxenmisc4.17", "libxenstore4", "libxentoolcore1",
    "libxentoollog1", "libyajl2", "xen-utils-4.17",
)  # fmt: skip
EBADF = 9


@pytest.fixture(scope="module")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack Debian's packages, install nothing, and put the scripted libxenctrl in front of the real one."""
    folder = tmp_path_factory.mktemp("debian")
    subprocess.run(["apt-get", "-qq", "download", *PACKAGES], cwd=folder, check=True)
    for package in folder.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
    libraries = folder / "usr/lib/x86_64-linux-gnu"
    # Under another name, so that the scripted one can have its name and still ask it.
    real = (libraries / "libxenctrl.so.4.17.0").read_bytes().replace(b"libxenctrl.so.4.17\0", b"libxenctrl.so.real\0")
    (libraries / "libxenctrl.so.real").write_bytes(real)
    (folder / "versions").write_text("VERS_4.17.0 { *; };\n")
    subprocess.run(
        ["gcc", "-Wall", "-O1", "-shared", "-fPIC", f"-I{folder}/usr/include", '-DREAL="libxenctrl.so.real"',
         f"-Wl,--version-script={folder}/versions,-soname,libxenctrl.so.4.17,--no-as-needed,-rpath-link,{libraries}",
         "-o", libraries / "scripted.so", HERE / "hypercalls.c", libraries / "libxenctrl.so.real"],
        check=True,
    )  # fmt: skip
    (libraries / "libxenctrl.so.4.17").unlink()
    (libraries / "libxenctrl.so.4.17").symlink_to("scripted.so")
    return folder


@pytest.fixture
def real(dom0: Dom0, debian: Path) -> Dom0:
    """Give a dom0 with the real library and the real stock helper."""
    dom0.libraries = debian / "usr/lib/x86_64-linux-gnu"
    dom0.stock = debian / "usr/lib/xen-4.17/bin/libxl-save-helper"
    return dom0


def test_a_stop_by_max_iters(real: Dom0) -> None:
    real.policy(max_iters=2)
    save = real.save()
    save.run()
    assert save.result == (0, 0)
    assert save.numbers == [LOGDIRTY, SUSPEND, LOGDIRTY, COMPLETE]
    assert real.calls() == [
        (0, 4096, 0, "continue"), (1, -1, 4096, "continue"), (1, 800, 4096, "continue"), (2, -1, 4896, "stop"),
    ]  # fmt: skip


def test_a_stop_by_min_remaining_sends_its_set_live(real: Dom0) -> None:
    real.policy(min_remaining=750, max_iters=30)
    real.save().run()
    assert real.calls()[-1] == (2, 700, 4896, "stop")
    progress = [(one["what"], one["total"]) for one in real.events("progress") if one["done"] == one["total"]]
    assert ("Frames iteration 2", 700) in progress
    assert progress[progress.index(("Domain now suspended", 0)) + 1] == ("Frames iteration 2", 12)


def test_the_layout_is_proved_against_the_real_library(real: Dom0) -> None:
    real.save().run()
    assert real.events("layout")[0] | {"t": 0, "wall": 0} == {
        "event": "layout", "t": 0, "wall": 0, "proved": True, "p2m_pages": 4096, "seen": [0, 0, 4096],
    }  # fmt: skip


def test_what_does_not_fit_is_aborted_before_a_page_is_sent(real: Dom0) -> None:
    real.script(p2m=4096, dirty=[1], p2m_told=5000)
    save = real.save()
    save.run()
    assert save.result[0] == -1
    assert save.numbers == [LOGDIRTY, LOGDIRTY, COMPLETE]
    assert not [one for one in real.events("progress") if one["total"]]


def test_an_abort_cuts_into_pass_0(real: Dom0) -> None:
    real.script(p2m=1 << 18, dirty=[1], chunk_us=50_000)
    save = real.save(on_message=on_iteration(0, lambda: real.policy(action="abort")))
    save.run()
    assert save.result == (-1, EBADF)
    assert save.numbers == [LOGDIRTY, LOGDIRTY, COMPLETE]
    assert "Failed to write page data to stream (9 = Bad file descriptor)" in save.log


@pytest.mark.parametrize("ours", ["save_helper.py", "observe_helper.py"])
def test_libxl_and_the_destination_get_what_the_stock_helper_sends(real: Dom0, tmp_path: Path, ours: str) -> None:
    streams, heard = [], []
    for helper in ([str(real.stock)], real.save(ours).helper):
        with (tmp_path / f"stream-{len(streams)}").open("w+b") as stream:
            real.stream_fd = stream.fileno()
            save = real.save()
            save.helper = helper
            assert save.run() == 0
            stream.seek(0)
            streams.append(stream.read())
        heard.append([one for one in save.heard if b"precopy" not in one[1] and one[0] != LOG])
    assert len(streams[0]) > 4096 * 4096
    assert streams[0] == streams[1]
    assert heard[0] == heard[1]


def test_the_observer_sees_the_passes_of_the_real_stock_helper(real: Dom0) -> None:
    save = real.save("observe_helper.py")
    assert save.run() == 0
    begun = [one["total"] for one in real.events("progress") if one["done"] == 0 and one["total"]]
    assert begun == [4096, 800, 700, 600, 500, 12]


def test_the_observer_aborts_the_real_stock_helper(real: Dom0) -> None:
    real.script(p2m=1 << 18, dirty=[1], chunk_us=50_000)
    save = real.save("observe_helper.py")
    save.on_message = lambda number, _body: real.policy(action="abort") if number == PROGRESS else None
    save.run()
    assert save.result == (-1, EBADF)
    assert save.numbers == [LOGDIRTY, LOGDIRTY, COMPLETE]
