"""All panels on one page: what `xlkit app` serves."""

from typing import Any

import ipywidgets

from xlkit.panels.browse import BrowsePanel
from xlkit.panels.launch import LaunchPanel
from xlkit.panels.learn import LearnPanel
from xlkit.store import RunStore


class AppPanel:
    """The panels side by side, for people who do not want to see code.

    Parameters
    ----------
    store : RunStore, optional
        Where the runs are recorded; the default store when not given.
    """

    def __init__(self, store: RunStore | None = None) -> None:
        self.launch = LaunchPanel(store=store)
        self.browse = BrowsePanel(store)
        self.learn = LearnPanel(store=store)
        self.launch.watch.on_end(lambda _: self.browse.refresh())
        panels = (self.launch, self.browse, self.learn)
        self.view = ipywidgets.Tab([panel.view for panel in panels], titles=("Launch", "Runs", "Learn"))

    def close(self) -> None:
        """Abort what is going on, end the guests that were started here, and take the panels off the page."""
        for panel in (self.launch, self.browse, self.learn):
            panel.close()
        self.view.close()

    def __repr__(self) -> str:
        return f"AppPanel({self.launch!r}, {self.browse!r}, {self.learn!r})"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        return {**(self.view._repr_mimebundle_(**options) or {}), "text/plain": repr(self)}
