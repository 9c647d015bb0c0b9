"""A notebook with parameters, run headless as an admin's job would."""

import nbformat
import pytest

from tests.notebooks import FOLDER, NOTEBOOKS
from xlkit.store import RunStore

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

papermill = pytest.importorskip("papermill")


def parameter_cells(path):
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]


def test_the_notebooks_for_admins_have_parameters():
    with_parameters = [path.name for path in NOTEBOOKS if parameter_cells(path)]
    assert with_parameters == ["04_tune_a_domain.ipynb", "08_real_xen_hosts.ipynb"]


def test_tune_a_domain_runs_headless_for_another_domain_and_budget(tmp_path):
    asked = {"domain": "web01", "budget_ms": 60, "repetitions": 3, "store_path": str(tmp_path / "runs")}
    papermill.execute_notebook(
        str(FOLDER / "04_tune_a_domain.ipynb"), str(tmp_path / "tuned.ipynb"), parameters=asked, progress_bar=False
    )
    told = "\n".join(
        output.get("text", "")
        for cell in nbformat.read(tmp_path / "tuned.ipynb", as_version=4).cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
    assert "xl migrate --min_remaining" in told
    assert " web01 " in told
    runs = RunStore(tmp_path / "runs")[:]
    assert len(runs) >= 2 + 2 * 3
    assert {run.start.migration.domain for run in runs} == {"web01"}
