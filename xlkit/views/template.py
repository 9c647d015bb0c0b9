"""One look for every figure: colours that hold on light and dark pages, and never colour alone."""

import json
from collections.abc import Mapping
from textwrap import wrap
from types import MappingProxyType
from typing import Any

import plotly.graph_objects as go

# The four Okabe-Ito colours with at least 3:1 against white and #111; a fifth series changes dash and symbol instead.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "hexagon")
PATTERNS = ("", "/", ".", "x", "-", "+")
FINAL_SYMBOL = "star"
# Grey that reads on white (4.5:1) and on dark pages (3.6:1): a figure cannot know the theme of the page around it.
INK = "#767676"
GRID = "rgba(128,128,128,.25)"

# plotly.js would offer to upload the figure's data ("Share chart...") by default.
CONFIG: Mapping[str, Any] = MappingProxyType(
    {"showSendToCloud": False, "plotlyServerURL": "", "displaylogo": False, "responsive": True}
)

# Below everything, whatever the height of the figure: a share of the plot's height would meet the axis title.
_LEGEND = {"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom", "bgcolor": "rgba(0,0,0,0)"}


class Figure(go.Figure):  # type: ignore[misc]  # plotly ships no types
    """Plotly's figure in the kit's look, which never offers to upload its data.

    Parameters
    ----------
    title : str
        What the figure shows.
    height : int, default 380
        Height on the page [px]; the width follows the page.
    """

    def __init__(self, title: str = "", *, height: int = 380) -> None:
        super().__init__(layout={"template": _template(), "title": {"text": title}, "height": height})

    def say(self, text: str) -> None:
        """Write a sentence in the middle of an empty figure.

        Parameters
        ----------
        text : str
            The sentence.
        """
        self.add_annotation(text=text, showarrow=False, xref="paper", yref="paper", x=0.5, y=0.5)

    def show(self, *args: Any, **options: Any) -> None:
        """Draw with plotly's renderer, under the kit's configuration."""
        options["config"] = {**CONFIG, **(options.get("config") or {})}
        super().show(*args, **options)

    def to_html(self, *args: Any, **options: Any) -> str:
        """Write as HTML, under the kit's configuration."""
        return str(super().to_html(*args, **_calm(options)))

    def write_html(self, *args: Any, **options: Any) -> None:
        """Write an HTML file, under the kit's configuration."""
        super().write_html(*args, **_calm(options))

    def to_mimebundle(self) -> dict[str, Any]:
        """Write as what a notebook draws, whether or not there is one.

        Returns
        -------
        dict
            Data and layout of plotly under its MIME type, under the kit's configuration.
        """
        return {"application/vnd.plotly.v1+json": {**json.loads(self.to_json()), "config": dict(CONFIG)}}

    def _ipython_display_(self) -> None:
        self.show()

    def _repr_mimebundle_(self, *args: Any, **options: Any) -> dict[str, Any]:
        options["config"] = dict(CONFIG)
        bundle: dict[str, Any] = super()._repr_mimebundle_(*args, **options)
        return bundle


def _calm(options: dict[str, Any]) -> dict[str, Any]:
    """Fill in the kit's configuration, and let a figure with a slider wait until somebody moves it."""
    return {"auto_play": False, **options, "config": {**CONFIG, **(options.get("config") or {})}}


def room_for_names(count: int) -> int:
    """Tell how high a figure must be so that its legend, a name a line, leaves the plot its room.

    Parameters
    ----------
    count : int
        Names in the legend.

    Returns
    -------
    int
        Height [px].

    Examples
    --------
    >>> room_for_names(4)
    464
    """
    return 380 + 21 * count


def folded(name: str, width: int = 110) -> str:
    """Break a long name so that a legend does not cut it off.

    Parameters
    ----------
    name : str
        The name.
    width : int, default 110
        Letters in a line at most.

    Returns
    -------
    str
        The name, with plotly's line breaks in it.

    Examples
    --------
    >>> folded("one two three", 8)
    'one two<br>three'
    """
    return "<br>".join(wrap(name, width)) or name


def figure_style(ink: str) -> str:
    """Write the style sheet by which figures take the ink of the page around them.

    Parameters
    ----------
    ink : str
        A colour as CSS writes it, usually a variable of the page's theme.

    Returns
    -------
    str
        One CSS rule; text that lies on a colour of its own, as what the pointer brings up, is left alone.
    """
    texts = ('[class$="tick"] text', ".infolayer text", ".textpoint text", ".bartext")
    return ", ".join(f".js-plotly-plot {text}" for text in texts) + f" {{ fill: {ink} !important; }}"


def series_style(index: int) -> dict[str, Any]:
    """Choose how a series is drawn.

    Parameters
    ----------
    index : int
        Number of the series, from 0.

    Returns
    -------
    dict
        ``line`` and ``marker`` of a scatter trace; colour, dash and symbol each tell the first four series apart.

    Examples
    --------
    >>> series_style(1)["line"]
    {'color': '#D55E00', 'dash': 'dash', 'width': 2}
    """
    color = PALETTE[index % len(PALETTE)]
    return {
        "line": {"color": color, "dash": DASHES[index % len(DASHES)], "width": 2},
        "marker": {"color": color, "symbol": SYMBOLS[index % len(SYMBOLS)], "size": 8},
    }


def bar_style(index: int) -> dict[str, Any]:
    """Choose how a bar is drawn.

    Parameters
    ----------
    index : int
        Number of the series, from 0.

    Returns
    -------
    dict
        ``marker`` of a bar trace, with a pattern besides the colour.
    """
    color = PALETTE[index % len(PALETTE)]
    pattern = {"shape": PATTERNS[index % len(PATTERNS)], "fillmode": "overlay", "size": 6, "solidity": 0.25}
    return {"color": color, "pattern": pattern, "line": {"width": 0}}


def _template() -> go.layout.Template:
    axis = {
        "gridcolor": GRID,
        "linecolor": INK,
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": GRID,
        "automargin": True,
    }
    return go.layout.Template(
        layout={
            "colorway": PALETTE,
            "font": {"family": "system-ui, sans-serif", "size": 13, "color": INK},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "title": {"x": 0, "xref": "paper", "font": {"size": 15}},
            "margin": {"l": 56, "r": 24, "t": 48, "b": 44},
            "hovermode": "closest",
            "legend": _LEGEND,
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": INK},
            "xaxis": axis,
            "yaxis": axis,
            "uirevision": "keep",
        }
    )
