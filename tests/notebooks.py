"""Execute the notebooks in place and clean them: ``python -m tests.notebooks`` after editing one in JupyterLab.

What stays in a notebook is what a reader needs and what nbval compares: no widget state (it weighs megabytes and shows
nothing without its kernel), no times of execution, cell ids that do not change from one save to the next.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
IGNORED = "nbval-ignore-output"
_WIDGET = "application/vnd.jupyter.widget-view+json"
_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def cleaned(notebook: Any) -> Any:
    """Return the notebook with nothing in it that differs without reason."""
    clean = nbformat.from_dict(notebook)
    clean.metadata = nbformat.from_dict(_METADATA)
    for place, cell in enumerate(clean.cells):
        cell.id = f"cell-{place:02}"
        cell.metadata = nbformat.from_dict({"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {})
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(_WIDGET, None)
            if "metadata" in output:  # a stream has none
                output.metadata = nbformat.from_dict({})
    return clean


def execute(path: Path) -> None:
    """Run every cell in a new kernel, with a store that is thrown away, and save the notebook cleaned."""
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=60,
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    with tempfile.TemporaryDirectory() as store:
        client.execute(env={**os.environ, "XLKIT_STORE": store})
    nbformat.write(cleaned(notebook), path)


if __name__ == "__main__":
    for one in NOTEBOOKS:
        execute(one)
        sys.stdout.write(f"{one.name}: {one.stat().st_size:,} B\n")
