"""`xlkit app` in a browser: the panels alone, behind a token, with nothing asked of any network."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PICTURES = os.environ.get("XLKIT_PICTURES")


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    pytest.importorskip("voila")
    with contextlib.ExitStack() as stack:
        yield cache(lambda scheme: stack.enter_context(_serving(tmp_path_factory.mktemp("app"), scheme)))


@pytest.fixture
def address(addresses, tab):
    return addresses(scheme_of(tab))


@contextlib.contextmanager
def _serving(home, scheme):
    look = ["--dark"] if scheme == "dark" else []
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "xlkit", "app", "--no-browser", *look, "--store", str(home / "runs")],
            stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
        )  # fmt: skip
    try:
        address = server.stdout.readline().strip()
        _await_answer(server, address, home / "log")
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)
        server.stdout.close()


@pytest.fixture
def page(address, tab):
    tab.asked, tab.home = [], address.split("?")[0]
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.route(lambda url: not url.startswith((tab.home, "data:", "blob:")), lambda route: route.abort())
    tab.goto(address)
    tab.wait_for_selector("button.xlkit-launch", timeout=90_000)
    return tab


def scheme_of(tab):
    return "dark" if tab.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"


def picture(page, name):
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"app-{name}-{scheme_of(page)}.png"))


def test_the_page_asks_for_its_token(address, tab):
    tab.goto(address.split("?")[0])
    assert "/login" in tab.url


def test_a_launch_is_watched_and_then_found_among_the_runs(page):
    page.locator("button.xlkit-launch").click()
    page.wait_for_selector(".xlkit-status:has-text('completed, ended by')", timeout=60_000)
    assert page.locator(".xlkit-chart .pass").count() >= 1
    picture(page, "launch")
    page.get_by_role("tab", name="Runs").click()
    page.locator("select.xlkit-listed option, .xlkit-listed option").first.wait_for(timeout=20_000)
    picture(page, "runs")
    outside = [
        url for url in page.asked if not url.startswith((page.home, page.home.replace("http", "ws"), "data:", "blob:"))
    ]
    assert not outside


def test_two_runs_are_picked_compared_and_replayed(page):
    for _ in range(2):
        page.locator("button.xlkit-launch:enabled").click(timeout=60_000)
        page.locator("button.xlkit-stop:enabled").wait_for(timeout=20_000)
        page.locator("button.xlkit-launch:enabled").wait_for(timeout=60_000)
    page.get_by_role("tab", name="Runs").click()
    page.locator("button.xlkit-refresh").click()
    page.locator(".xlkit-listed option").nth(1).wait_for(state="attached", timeout=20_000)
    runs = page.locator(".xlkit-listed option").evaluate_all("options => options.slice(0, 2).map(one => one.value)")
    page.locator(".xlkit-listed select, select.xlkit-listed").first.select_option(runs)
    page.locator("button.xlkit-compare").click()
    page.wait_for_selector(".xlkit-shown .js-plotly-plot .main-svg", timeout=60_000)
    picture(page, "compare")
    page.locator("button.xlkit-replay").click()
    page.wait_for_selector(".xlkit-shown th:has-text('censored')", timeout=60_000)
    assert page.locator(".xlkit-shown tbody tr").count() == 2
    picture(page, "replay")


@pytest.mark.parametrize(
    ("buttons", "said"), [(["stop"], "ended by operator"), (["abort", "confirm"], "ended by aborted")]
)
def test_an_operator_overrules_the_policy_with_a_click(page, buttons, said):
    page.locator("button.xlkit-launch").click()
    for button in buttons:
        page.locator(f"button.xlkit-{button}:enabled").click(timeout=20_000)
    page.wait_for_selector(f".xlkit-status:has-text('{said}')", timeout=60_000)


def test_the_dark_page_is_dark(page):
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    (red, *_) = [int(part) for part in re.findall(r"\d+", background)]
    assert (red < 64) is (scheme_of(page) == "dark")


def test_a_student_predicts_runs_and_sees(page):
    page.get_by_role("tab", name="Learn").click()
    page.locator("button.xlkit-run").click()
    page.wait_for_selector(".xlkit-answer:has-text('of 3 right')", timeout=60_000)
    picture(page, "learn")


def _await_answer(server, address, log):
    for _ in range(300):
        assert server.poll() is None, log.read_text(encoding="utf-8")[-2000:]
        with contextlib.suppress(URLError), urlopen(address.split("?")[0] + "login", timeout=2):
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text(encoding="utf-8")[-2000:])
