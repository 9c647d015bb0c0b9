"""The question mark beside a control: which notebook explains it, and the way there where it lies next to this one."""

from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any

import ipywidgets

NOTEBOOKS = MappingProxyType(
    {
        "backend": "01_start",
        "workload": "02_how_precopy_works",
        "dirty rate": "02_how_precopy_works",
        "memory": "02_how_precopy_works",
        "bandwidth": "03_two_knobs",
        "min_remaining": "03_two_knobs",
        "max_iters": "03_two_knobs",
        "pause budget": "04_tune_a_domain",
        "precopy is ended by": "03_two_knobs",
        "live passes": "02_how_precopy_works",
        "downtime": "03_two_knobs",
        "filter": "06_post_mortem",
        "order": "06_post_mortem",
        "runs": "05_rules_in_the_wild",
        "tags": "06_post_mortem",
        "note": "06_post_mortem",
    }
)
"""Which notebook explains a control, by its label without the unit."""


def explained(control: Any, name: str) -> ipywidgets.HBox:
    """Put a question mark beside a control.

    Parameters
    ----------
    control : ipywidgets.Widget
        The control, or a box that holds it.
    name : str
        Its label without the unit.

    Returns
    -------
    ipywidgets.HBox
        Both, or the control alone where no notebook explains it. The question mark leads to the notebook where that
        lies in the kernel's folder, and names it elsewhere.
    """
    if name not in NOTEBOOKS:
        return ipywidgets.HBox([control])
    notebook = f"{NOTEBOOKS[name]}.ipynb"
    told = escape(f"{name} is explained in the notebook {notebook}", quote=True)
    if Path(notebook).is_file():
        mark = f'<a href="{notebook}" target="_blank" rel="noopener" title="{told}" aria-label="{told}">?</a>'
    else:
        mark = f'<abbr title="{told}" aria-label="{told}" tabindex="0">?</abbr>'
    link = ipywidgets.HTML(mark, layout={"width": "1.2em"})
    link.add_class("xlkit-help")
    return ipywidgets.HBox([control, link])
