"""`xlkit attach` on a scripted dom0: what it takes up, prints and refuses."""

import json

import pytest

from tests.backends.conftest import libraries  # noqa: F401 - a fixture
from tests.backends.xen_host import MIGRATION, Flaky, ScriptedDom0, wait_until
from tests.cli.conftest import SIM
from xlkit.backends.xl import XlBackend
from xlkit.model import Status
from xlkit.policies import ThresholdPolicy
from xlkit.runner import start
from xlkit.store import RunStore


@pytest.fixture
def dom0(tmp_path, libraries, monkeypatch):  # noqa: F811 - the fixture of that name
    dom0 = ScriptedDom0(tmp_path, libraries)
    for name, value in dom0.environment().items():
        monkeypatch.setenv(name, value)
    return dom0


@pytest.fixture
def lost(dom0, own_store):
    """Lose the watcher of a migration that goes on."""
    dom0.write_script(dirty=(4000, 3000, 2000, 1000, 500), chunk_us=10_000)
    host = Flaky(dom0.host())
    backend = XlBackend(host=host, base=str(dom0.base), reconnect_s=0)
    handle = start(MIGRATION, ThresholdPolicy(min_remaining=1), backend, store=RunStore())
    wait_until(lambda: host.streams)
    host.cut(for_good=True)
    return handle.wait(20)


def test_a_lost_run_is_followed_to_its_end(xlkit, lost):
    said = xlkit("attach", "-1")
    [whole] = RunStore()
    assert (said.code, whole.run_id, whole.stop.status) == (0, lost.run_id, Status.COMPLETED)
    assert said.err.startswith("pass 0: 4,096 pages")
    assert "stood still" in said.out


def test_json_is_the_whole_record(xlkit, lost):
    printed = json.loads(xlkit("attach", "--json", lost.run_id).out)
    assert [one["dirty_pages"] for one in printed["iterations"]] == [4096, 4000, 3000, 2000, 1000, 12]


def test_a_host_that_holds_nothing_is_told_and_the_record_stays(xlkit, dom0, lost):
    wait_until(lambda: "xl-exited" in dom0.events())
    dom0.base.rename(dom0.folder / "elsewhere")
    said = xlkit("attach", "-1")
    assert (said.code, said.out) == (4, "")
    assert "nothing to attach to" in said.err
    assert list(RunStore()) == [lost]


def test_a_run_that_has_its_end_is_refused(xlkit, lost):
    xlkit("attach", "-1")
    said = xlkit("attach", "-1")
    assert (said.code, said.err.count("\n")) == (4, 1)
    assert "has its end (completed)" in said.err


def test_a_run_of_a_backend_that_ends_with_its_watcher_is_refused(xlkit):
    xlkit(*SIM, "guest", "host")
    said = xlkit("attach", "-1")
    assert said.code == 4
    assert "of the backend sim" in said.err


def test_a_run_that_nobody_knows_is_refused(xlkit):
    assert xlkit("attach", "nothing").code == 3
