"""The page: one file, no network, readable by people and screen readers."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import plotly.io as pio
import pytest
from hypothesis import HealthCheck, given, settings

from tests import strategies
from xlkit.errors import StoreError
from xlkit.model import Forecast, Range
from xlkit.policies import ThresholdPolicy
from xlkit.views import Figure, plot_iterations, report, save, write

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
    return report(two_runs, title="Two settings")


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
    assert len(configs) >= 6
    assert set(configs) == {"false"}


def test_the_page_has_language_title_headings_and_captions(text):
    reader = Reader(without_scripts(text))
    assert '<html lang="en">' in text
    assert "<title>Two settings</title>" in text
    assert reader.tags.count("h1") == 1
    assert reader.tags.count("caption") == reader.tags.count("table") >= 4


def test_every_figure_has_words_in_its_place(text):
    labels = Reader(without_scripts(text)).labels
    assert len(labels) >= 6
    assert all(labels)
    assert any("downtime 2.5 ms" in label for label in labels)


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
    told = without_scripts(report(make_run(settings={"<b>": "<script>alert(1)</script>"}), title="<i>"))
    assert "<b>" not in told
    assert "<i>" not in told
    assert "&lt;script&gt;" in told


def test_one_run_and_none_have_a_page_too(make_run):
    assert "One migration was asked for" in report(make_run())
    assert "There are no runs to show." in report([])


def test_a_page_is_the_same_every_time(two_runs, text):
    assert report(two_runs, title="Two settings") == text


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


def headings(text):
    return re.findall(r'<h2 id="([a-z]+)">', text)


def test_the_contents_lead_to_every_section(text):
    told = without_scripts(text)
    assert re.findall(r'<a href="#([a-z]+)">', told) == headings(told)


def test_one_run_is_not_compared_and_has_no_section_for_it(make_run):
    assert "compared" not in headings(report(make_run()))
    assert {"asked", "happened", "figures", "diagnosis", "policies", "passes", "versions"} <= set(
        headings(report(make_run()))
    )


def test_single_runs_are_not_ranked_and_the_page_says_why(text):
    assert "One run is no result" in text


def test_repetitions_are_ranked_in_words(make_run):
    runs = [
        make_run(run_id=f"m{most}r{number}", policy=ThresholdPolicy(max_iters=most), downtime_s=most + number / 100)
        for most in (5, 9)
        for number in range(5)
    ]
    assert "comes first, with a median of 5.02 s" in report(runs)


def test_the_diagnosis_of_each_run_is_told(text):
    assert without_scripts(text).count("<h4>Where the downtime went</h4>") == 2


def test_a_forecast_is_shown_where_there_is_one(make_run):
    run = make_run()
    told = Forecast(model="curve", level=0.9, passes_known=0, learned_from=(), total_s=Range(low=1, likely=2, high=4))
    assert "expected" in headings(report(replace(run, start=replace(run.start, forecast=told))))
    assert "expected" not in headings(report(run))


def test_a_run_with_no_passes_leaves_out_what_it_has_not(make_run):
    found = headings(report(make_run((), None, downtime_s=None)))
    assert "policies" not in found
    assert "diagnosis" in found


def test_very_many_runs_are_not_told_one_by_one(make_run):
    text = report([make_run(run_id=f"r{number:04}") for number in range(300)])
    assert "288 more runs are not told here" in text
    assert len(text) < 10_000_000


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(strategies.runs)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_no_record_however_odd_costs_the_page(run):
    text = without_scripts(report(run))
    assert text.rstrip().endswith("</html>")
    assert {"asked", "happened", "diagnosis", "versions"} <= set(headings(text))
