"""Figures as files."""

import pytest

from xlkit.errors import InvalidValueError, StoreError
from xlkit.views import image, plot_iterations, save


def test_a_page_holds_the_figure_and_asks_no_network(make_run, tmp_path):
    text = save(plot_iterations(make_run()), tmp_path / "one.html").read_text(encoding="utf-8")
    assert "Dirty pages of each pass" in text
    assert "<script src=" not in text


@pytest.mark.parametrize("name", ["figure.gif", "figure"])
def test_another_ending_is_refused(make_run, tmp_path, name):
    with pytest.raises(InvalidValueError, match=r"\.html"):
        save(plot_iterations(make_run()), tmp_path / name)


def test_another_theme_is_refused(make_run, tmp_path):
    with pytest.raises(InvalidValueError, match="light, dark"):
        save(plot_iterations(make_run()), tmp_path / "a.png", theme="sepia")


def test_without_kaleido_a_picture_says_what_to_install(make_run, tmp_path, monkeypatch):
    monkeypatch.setattr(image, "find_spec", lambda _: None)
    with pytest.raises(StoreError, match=r"xlkit\[images\]"):
        save(plot_iterations(make_run()), tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


def test_a_place_that_cannot_be_written_is_named(make_run, tmp_path):
    with pytest.raises(StoreError, match="Choose another place"):
        save(plot_iterations(make_run()), tmp_path / "missing" / "a.html")
