"""The question mark beside each control."""

from pathlib import Path

import ipywidgets
import pytest

from xlkit.panels import BrowsePanel, LaunchPanel, LearnPanel
from xlkit.panels.guide import NOTEBOOKS, explained
from xlkit.store import RunStore

HERE = Path(__file__).parents[2] / "notebooks"


def widgets_in(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from widgets_in(child)


def marks_in(widget):
    return [one.value for one in widgets_in(widget) if "xlkit-help" in getattr(one, "_dom_classes", ())]


def inputs_in(widget):
    kinds = (ipywidgets.Dropdown, ipywidgets.BoundedIntText, ipywidgets.Text)
    return [one for one in widgets_in(widget) if isinstance(one, kinds)]


def test_every_notebook_that_is_named_is_there():
    assert {f"{name}.ipynb" for name in NOTEBOOKS.values()} <= {path.name for path in HERE.iterdir()}


@pytest.mark.parametrize("panel", [LaunchPanel, LearnPanel])
def test_every_control_of_a_panel_has_a_mark(panel, tmp_path):
    view = panel(store=RunStore(tmp_path)).view
    assert len(marks_in(view)) == len(inputs_in(view)) > 0


def test_every_control_of_the_browse_panel_has_a_mark(tmp_path):
    view = BrowsePanel(RunStore(tmp_path)).view
    assert len(marks_in(view)) == len(inputs_in(view)) > 0


def test_next_to_the_notebooks_a_mark_leads_to_them(monkeypatch):
    monkeypatch.chdir(HERE)
    (mark,) = marks_in(explained(ipywidgets.Text(), "pause budget"))
    assert 'href="04_tune_a_domain.ipynb"' in mark
    assert 'aria-label="pause budget is explained in the notebook 04_tune_a_domain.ipynb"' in mark


def test_elsewhere_it_names_the_notebook(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (mark,) = marks_in(explained(ipywidgets.Text(), "pause budget"))
    assert "href" not in mark
    assert "04_tune_a_domain.ipynb" in mark


def test_a_control_that_no_notebook_explains_has_none():
    assert marks_in(explained(ipywidgets.Text(), "anything else")) == []
