"""What nbval does not see: notebooks that would pass it while comparing nothing, litter, or ask the network."""

import re
import statistics

import nbformat
import pytest

from tests.notebooks import IGNORED, NOTEBOOKS, cleaned

MAX_BYTES = 200_000


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.name)
def path(request):
    return request.param


@pytest.fixture
def notebook(path):
    return nbformat.read(path, as_version=4)


@pytest.fixture
def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_is_a_notebook_to_start_with():
    assert "01_start.ipynb" in [path.name for path in NOTEBOOKS]


def test_notebooks_are_valid(notebook):
    nbformat.validate(notebook)


def test_every_cell_ran_in_order_in_a_new_kernel(code):
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))


def test_no_cell_failed_or_wrote_to_stderr(code):
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]


def test_notebooks_are_clean(notebook):
    assert cleaned(notebook) == notebook


def test_a_table_is_compared_before_any_figure_is_drawn(code):
    compared = [cell for cell in code if cell.outputs and IGNORED not in cell.metadata.get("tags", ())]
    figures = [cell for cell in code if "plot_" in cell.source]
    assert compared[0].execution_count < figures[0].execution_count


def test_figures_are_not_compared(code):
    for cell in code:
        drawn = any("application/vnd.plotly.v1+json" in output.get("data", {}) for output in cell.outputs)
        assert not drawn or IGNORED in cell.metadata.tags


def test_notebooks_are_short(path, notebook, code):
    assert path.stat().st_size < MAX_BYTES
    assert 10 <= len(notebook.cells) <= 30
    lines = [sum(bool(line.strip()) for line in cell.source.splitlines()) for cell in code]
    assert statistics.median(lines) <= 2
    assert max(lines) <= 8


def test_notebooks_name_no_place_of_this_machine_and_no_address(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/home/|/Users/|/root/|/tmp/|/work/", text)
    assert not re.search(r"cdn|https?://", text)


def test_no_figure_of_a_notebook_offers_to_upload_its_data(code):
    figures = [
        output.data["application/vnd.plotly.v1+json"]
        for cell in code
        for output in cell.outputs
        if "application/vnd.plotly.v1+json" in output.get("data", {})
    ]
    assert figures
    assert all(figure["config"]["showSendToCloud"] is False for figure in figures)


def test_cleaning_takes_away_widgets_and_times():
    cell = nbformat.v4.new_code_cell("panel", metadata={"execution": {"iopub.status.busy": "now"}, "tags": [IGNORED]})
    data = {"text/plain": "LaunchPanel", "application/vnd.jupyter.widget-view+json": {"model_id": "1234"}}
    cell.outputs = [nbformat.v4.new_output("execute_result", data=data)]
    clean = cleaned(nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": {"state": {}}}))
    assert "widgets" not in clean.metadata
    assert clean.cells[0].metadata == {"tags": [IGNORED]}
    assert list(clean.cells[0].outputs[0].data) == ["text/plain"]
