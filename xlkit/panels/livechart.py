"""A live chart of a few kilobytes: the dirty pages of each pass, drawn by the page in the colours of its theme."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from xlkit.model import Iteration, Phase

_HERE = Path(__file__).parent


class LiveChart(anywidget.AnyWidget):
    """Draw passes as they end.

    What is drawn is state, so a page that comes late, is reloaded or shows the chart twice sees all of it.

    Parameters
    ----------
    min_remaining : int, default 0
        Threshold of the policy, drawn as a dotted line [page of 4096 B]; 0 draws none.
    proposed : int, default 0
        Threshold that a knob stands at and that is not applied, drawn as a thin dashed line [page]; 0 draws none.
    """

    _esm = _HERE / "livechart.js"
    _css = _HERE / "livechart.css"

    rows: Any = traitlets.List(help="A list a pass: iteration, dirty pages, whether the guest was paused.").tag(
        sync=True
    )
    min_remaining: Any = traitlets.Int(0, help="Threshold of the policy [page]; 0 draws none.").tag(sync=True)
    proposed: Any = traitlets.Int(0, help="Threshold that a knob stands at, not applied [page]; 0 draws none.").tag(
        sync=True
    )

    def draw(self, iterations: Iterable[Iteration]) -> None:
        """Show passes in place of those shown before.

        Parameters
        ----------
        iterations : iterable of Iteration
            All passes of a run so far; those whose dirty pages are not known are left out.
        """
        self.rows = [
            [one.iteration, one.dirty_pages, one.phase is Phase.STOP_AND_COPY]
            for one in iterations
            if one.dirty_pages is not None
        ]

    def __repr__(self) -> str:
        return f"LiveChart({len(self.rows)} passes)"
