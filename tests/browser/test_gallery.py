"""Every view in a real browser, light and dark, at the width of a laptop and with no network."""

import os
from pathlib import Path

import pytest

from tests.gallery import VIEWS, write
from xlkit import views
from xlkit.store import read_runs

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

XEN = Path(__file__).parents[2] / "data" / "runs" / "xen_lab.parquet"
PICTURES = os.environ.get("XLKIT_PICTURES")


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    return write(tmp_path_factory.mktemp("gallery") / "gallery.html")


@pytest.fixture
def page(page_file, tab):
    tab.complaints = []
    tab.on("console", lambda message: tab.complaints.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.route(lambda url: not url.startswith(("file:", "data:", "blob:")), lambda route: route.abort())
    tab.set_viewport_size({"width": 1280, "height": 900})
    tab.goto(page_file.as_uri())
    tab.wait_for_function(f"document.querySelectorAll('.main-svg').length >= {2 * len(VIEWS)}", timeout=60_000)
    return tab


def test_every_view_draws_something_and_nothing_complains(page):
    for name in VIEWS:
        box = page.locator(f"#figure-{name} .plot-container").bounding_box()
        assert box["width"] > 600, name
        assert box["height"] > 200, name
        _picture(page, name)
    assert page.complaints == []


def test_nothing_is_cut_off_at_the_sides(page):
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("name", ["one.png", "one.svg"])
def test_a_view_is_saved_as_a_picture(name, tmp_path):
    pytest.importorskip("kaleido")
    saved = views.save(views.plot_downtime(read_runs(XEN)), tmp_path / name, theme="dark").read_bytes()
    assert saved.startswith(b"\x89PNG") or b"<svg" in saved[:200]
    assert len(saved) > 5_000


def _picture(page, name):
    if PICTURES:
        dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        path = Path(PICTURES) / f"{name}-{'dark' if dark else 'light'}.png"
        page.locator(f"#figure-{name}").screenshot(path=path)
