"""The buttons of a run: stop now, abort after a second click, apply the knobs; and the ink of the page."""

from collections.abc import Callable
from typing import Any

import ipywidgets

from xlkit.views.template import figure_style


class Buttons:
    """What an operator may do to a run; an abort is asked for twice.

    Parameters
    ----------
    stop, abort, apply : callable
        What is done when the button is pressed.
    """

    def __init__(self, *, stop: Callable[[], Any], abort: Callable[[], Any], apply: Callable[[], Any]) -> None:
        self._abort = abort
        self.stop = button("Stop now", "step-forward", "", "end precopy at the policy's next call", stop)
        self.abort = button(
            "Abort", "times", "danger", "give up, after you confirm it; the guest runs on at the source", self._ask
        )
        self.apply = button("Apply knobs", "sliders", "", "let this run follow both knobs from here on", apply)
        self.confirm = button("Yes, abort", "times", "danger", "give the migration up now", self._confirmed)
        self.keep = button("No, go on", "", "", "let the migration go on", self._kept)
        question = ipywidgets.HTML("<b>Give the migration up?</b> The guest runs on at the source.")
        self.question = ipywidgets.HBox([question, self.confirm, self.keep], layout={"display": "none"})
        for name in ("stop", "abort", "apply", "confirm", "keep"):
            getattr(self, name).add_class(f"xlkit-{name}")
        self.row = ipywidgets.Box([self.stop, self.abort, self.apply], layout={"flex_flow": "row wrap"})
        self.view = ipywidgets.VBox([self.row, self.question])

    def enable(self, *, enabled: bool) -> None:
        """Lock or unlock what only makes sense while a run goes on.

        Parameters
        ----------
        enabled : bool
            Whether it goes on.
        """
        for one in (self.stop, self.abort, self.apply):
            one.disabled = not enabled
        if not enabled:
            self._kept()

    def _ask(self) -> None:
        self.question.layout.display = ""

    def _kept(self) -> None:
        self.question.layout.display = "none"

    def _confirmed(self) -> None:
        self._kept()
        self._abort()


def button(text: str, icon: str, style: str, hint: str, pressed: Callable[[], Any]) -> ipywidgets.Button:
    """Make a button that calls a function.

    Parameters
    ----------
    text : str
        What stands on it.
    icon : str
        Name of its icon; empty for none.
    style : str
        ``primary``, ``danger`` or empty.
    hint : str
        What it does, shown when the pointer rests on it.
    pressed : callable
        What it calls, without arguments.

    Returns
    -------
    ipywidgets.Button
        The button.
    """
    width = {"width": "auto", "min_width": "11.5em"}
    made = ipywidgets.Button(description=text, icon=icon, button_style=style, tooltip=hint, layout=width)
    made.on_click(lambda _: pressed())
    return made


def page_ink() -> ipywidgets.HTML:
    """Let figures below a panel take the ink of the notebook's theme, even when it changes.

    Returns
    -------
    ipywidgets.HTML
        A style sheet that takes no room.
    """
    style = figure_style("var(--jp-ui-font-color1, #767676)")
    return ipywidgets.HTML(f"<style>{style}</style>", layout={"display": "none"})
