"""The page in a browser: it draws with no network, light and dark."""

import pytest

from xlkit import Migration, SimBackend, ThresholdPolicy, run, views

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

INK = "() => getComputedStyle(document.querySelector('.ytick text')).fill"
PAGE = "() => getComputedStyle(document.body).backgroundColor"


@pytest.fixture
def opened(tab, tmp_path):
    runs = [run(Migration("guest"), ThresholdPolicy(min_remaining=few), SimBackend()) for few in (50, 2_000)]
    tab.asked = []
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.goto(views.write(views.report(runs), tmp_path / "page.html").as_uri())
    tab.wait_for_selector(".main-svg .barlayer path")
    return tab


def test_every_figure_is_drawn_and_nothing_is_asked_of_a_network(opened):
    assert opened.locator(".js-plotly-plot").count() >= 8
    assert {url.split(":")[0] for url in opened.asked} <= {"file", "data"}


def test_no_button_offers_to_upload_the_data(opened):
    titles = opened.locator(".modebar-btn").evaluate_all("buttons => buttons.map(b => b.dataset.title)")
    assert titles
    assert not [title for title in titles if "hare" in title or "loud" in title]


def test_the_figures_take_the_ink_of_the_page(opened):
    ink, page = ([int(part) for part in opened.evaluate(asked).strip("rgba()").split(",")[:3]] for asked in (INK, PAGE))
    assert abs(sum(ink) - sum(page)) > 400
