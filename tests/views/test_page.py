"""The page: one file, no network, readable by people and screen readers."""

import re
from html.parser import HTMLParser

import plotly.io as pio
import pytest

from xlkit.errors import StoreError
from xlkit.views import Figure, page, plot_iterations, save, write

ASKING = {"src", "href", "srcset", "action", "poster"}


class Reader(HTMLParser):
    """Collects what a page asks for, its headings, captions and labels."""

    def __init__(self, text):
        super().__init__()
        self.asked, self.tags, self.labels = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append(tag)
        self.asked += [found[name] for name in ASKING & set(found) if not found[name].startswith(("data:", "#"))]
        self.labels += [found["aria-label"]] if found.get("role") == "img" else []


@pytest.fixture
def text(two_runs):
    return page(two_runs, title="Two settings")


def without_scripts(text):
    return re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


def test_the_page_asks_nothing_of_any_network(text):
    assert Reader(text).asked == []
    assert "@import" not in without_scripts(text)
    assert "://" not in without_scripts(text)


def test_plotly_is_inside_once_and_mathjax_is_not(text):
    assert len(re.findall(r"plotly\.js v\d", text)) == 1
    assert "MathJax.Hub.Config" not in without_scripts(text)
    assert len(text) < 6_000_000


def test_no_figure_offers_to_upload_its_data(text):
    configs = re.findall(r'"showSendToCloud": ?(\w+)', text)
    assert configs == ["false", "false"]


def test_the_page_has_language_title_headings_and_captions(text):
    reader = Reader(without_scripts(text))
    assert '<html lang="en">' in text
    assert "<title>Two settings</title>" in text
    assert reader.tags.count("h1") == 1
    assert reader.tags.count("caption") == reader.tags.count("table") >= 4


def test_every_figure_has_words_in_its_place(text):
    labels = Reader(without_scripts(text)).labels
    assert len(labels) == 2
    assert "downtime 2.5 ms" in labels[1]


def test_the_page_is_light_and_dark(text):
    assert "color-scheme: light dark" in text
    assert "prefers-color-scheme: dark" in text


def test_the_page_tells_what_was_asked_what_happened_and_with_what(text):
    told = without_scripts(text)
    for part in (
        "Each time: memory 256 MiB",
        "still sent live",
        "instead of",
        "2026-11-23 15:00:00 UTC",
        "xlkit 0.1.0",
    ):
        assert part in told
    assert "min_remaining bounds the last pass" in told


def test_names_from_outside_are_escaped(make_run):
    told = without_scripts(page(make_run(settings={"<b>": "<script>alert(1)</script>"}), title="<i>"))
    assert "<b>" not in told
    assert "<i>" not in told
    assert "&lt;script&gt;" in told


def test_one_run_and_none_have_a_page_too(make_run):
    assert "One migration was asked for." in page(make_run())
    assert "There are no runs to show." in page([])


def test_a_page_is_the_same_every_time(two_runs, text):
    assert page(two_runs, title="Two settings") == text


def test_a_figure_is_saved_as_one_file(two_runs, tmp_path):
    saved = save(plot_iterations(two_runs), tmp_path / "figure.html")
    text = saved.read_text(encoding="utf-8")
    assert "<title>Dirty pages of each pass</title>" in text
    assert Reader(text).asked == []


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(StoreError, match="nowhere"):
        write("text", tmp_path / "nowhere" / "page.html")


def test_a_figure_in_a_notebook_does_not_offer_to_upload_its_data(monkeypatch):
    monkeypatch.setattr(pio.renderers, "default", "plotly_mimetype")
    shown = Figure("Empty")._repr_mimebundle_()
    config = shown["application/vnd.plotly.v1+json"]["config"]
    assert config["showSendToCloud"] is False


def test_a_figure_as_html_keeps_the_configuration(tmp_path):
    target = tmp_path / "figure.html"
    Figure("Empty").write_html(target, include_plotlyjs=False)
    assert '"showSendToCloud": false' in target.read_text(encoding="utf-8")
