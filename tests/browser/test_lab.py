"""The launch panel in JupyterLab: a click, a chart that grows, a stop; nothing is asked of any network."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import pytest

from tests.notebooks import cleaned

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

IDLE = "() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
RUN_ALL = "() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); return null }"
CELL = (
    "from xlkit import LaunchPanel\n"
    "panel = LaunchPanel(memory_mib=64, bandwidth_mbit_s=500, max_iters=30, min_remaining=2000)\npanel"
)
# Run a second time, it shows the panel that there is already. On so slow a link the guest always writes during a pass,
# so that the run goes on until somebody stops it.
KEPT_CELL = (
    "from xlkit import LaunchPanel\n"
    "if 'panel' not in globals():\n"
    "    panel = LaunchPanel(memory_mib=32, bandwidth_mbit_s=50, max_iters=100_000, min_remaining=1)\n"
    "panel"
)
LAB_OPTIONS = [
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.port_retries=0",
    "--ServerApp.open_browser=False",
    "--ServerApp.allow_root=True",
    "--IdentityProvider.token=",
    "--LabApp.expose_app_in_browser=True",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.news_url=None",
]
JUPYTER_FOLDERS = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
NO_NEWS = "lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    pytest.importorskip("jupyterlab")
    home = tmp_path_factory.mktemp("lab")
    folders = {f"JUPYTER_{name}": str(home / name.lower()) for name in JUPYTER_FOLDERS}
    news = home / "config_dir" / NO_NEWS
    news.parent.mkdir(parents=True)
    news.write_text(json.dumps({"fetchNews": "false"}), encoding="utf-8")
    for name, cell in (("panel", CELL), ("kept", KEPT_CELL)):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
        nbformat.write(cleaned(notebook), home / f"{name}.ipynb")
    with _serving(home, {**os.environ, **folders, "HOME": str(home), "XLKIT_STORE": str(home / "runs")}) as address:
        yield address


@pytest.fixture
def panel(lab, tab):
    tab.asked = []
    tab.on("request", lambda request: tab.asked.append(request.url))
    return opened(tab, f"{lab}/lab/tree/panel.ipynb?reset")


def opened(tab, address):
    tab.goto(address)
    tab.wait_for_function(IDLE, timeout=90_000)
    tab.evaluate(RUN_ALL)
    tab.wait_for_selector(".xlkit-panel svg", timeout=60_000)
    return tab


def test_a_click_launches_and_the_chart_shows_every_pass(panel, lab):
    panel.locator("button.xlkit-launch").click()
    panel.wait_for_selector(".xlkit-status:has-text('completed, ended by min_remaining')", timeout=60_000)
    assert panel.locator(".xlkit-panel .paused").count() == 1
    assert panel.locator(".xlkit-panel .pass").count() >= 1
    assert not [url for url in panel.asked if not url.startswith((lab, lab.replace("http", "ws"), "data:", "blob:"))]


def test_drawing_the_sliders_changes_no_number(panel):
    shown = panel.locator(".xlkit-panel input[type=number]").evaluate_all("boxes => boxes.map(box => box.value)")
    assert shown == ["2000", "30", "10000", "64", "500", "300"]


@pytest.mark.parametrize(
    ("buttons", "said"), [(["stop"], "ended by operator"), (["abort", "confirm"], "ended by aborted")]
)
def test_an_operator_overrules_the_policy_with_a_click(panel, buttons, said):
    panel.locator("button.xlkit-launch").click()
    for button in buttons:
        panel.locator(f"button.xlkit-{button}:enabled").click(timeout=20_000)
    panel.wait_for_selector(f".xlkit-status:has-text('{said}')", timeout=60_000)


@pytest.mark.parametrize(("place", "before"), [(0, 2000), (1, 30)])
def test_a_slider_moved_by_keys_sets_the_number_beside_it(panel, place, before):
    panel.locator(".xlkit-panel .noUi-handle").nth(place).press("ArrowRight")
    box = panel.locator(".xlkit-panel input[type=number]").nth(place)
    panel.wait_for_function("([box, before]) => Number(box.value) > before", arg=[box.element_handle(), before])
    command = panel.locator(".xlkit-command code").text_content()
    assert f" {box.input_value()} " in command


def test_keys_alone_launch_a_migration(panel):
    panel.locator("button.xlkit-launch").focus()
    panel.keyboard.press("Enter")
    panel.wait_for_selector(".xlkit-status:has-text('completed, ended by')", timeout=60_000)


def test_moving_a_knob_while_the_run_goes_on_draws_a_line_of_its_own_and_applies_with_a_click(panel):
    panel.locator("button.xlkit-launch").click()
    panel.locator("button.xlkit-stop:enabled").wait_for(timeout=20_000)
    box = panel.locator(".xlkit-panel input[type=number]").first
    box.fill("9000")
    box.press("Enter")
    panel.wait_for_selector(".xlkit-chart .proposed", state="attached", timeout=20_000)
    panel.locator("button.xlkit-apply").click()
    panel.wait_for_selector(".xlkit-chart text:has-text('min_remaining 9,000')", timeout=20_000)
    panel.wait_for_selector(".xlkit-status:has-text('completed, ended by')", timeout=60_000)


def test_closing_the_page_leaves_the_migration_running_and_opening_it_again_shows_it(lab, tab):
    opened(tab, f"{lab}/lab/tree/kept.ipynb?reset").locator("button.xlkit-launch").click()
    tab.locator("button.xlkit-stop:enabled").wait_for(timeout=20_000)
    tab.goto("about:blank")
    opened(tab, f"{lab}/lab/tree/kept.ipynb")
    tab.wait_for_selector(".xlkit-chart .pass", state="attached", timeout=60_000)
    tab.locator("button.xlkit-stop:enabled").first.click(timeout=20_000)
    tab.wait_for_selector(".xlkit-status:has-text('ended by operator')", timeout=60_000)


@contextlib.contextmanager
def _serving(home, environment):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", *LAB_OPTIONS, f"--ServerApp.port={port}"]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, f"--ServerApp.root_dir={home}"],
            env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        _await_answer(server, f"http://127.0.0.1:{port}", home / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)


def _await_answer(server, address, log):
    for _ in range(300):
        assert server.poll() is None, log.read_text(encoding="utf-8")[-2000:]
        with contextlib.suppress(URLError), urlopen(f"{address}/api/status", timeout=2):
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text(encoding="utf-8")[-2000:])
