"""A figure as a picture: PNG or SVG, drawn by the Chromium of this machine, with nothing asked of any network."""

import json
from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType
from typing import Final, Literal

from xlkit.errors import StoreError
from xlkit.views.template import Figure

ENDINGS: Final = (".png", ".svg")
THEMES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"light": ("#ffffff", "#1f2328"), "dark": ("#161616", "#e6e6e6")}
)
_INSTALL = "An .html file needs nothing more; for pictures: pip install 'xlkit[images]', and a Chromium on the PATH."


def draw(figure: Figure, form: str, *, width: int, theme: Literal["light", "dark"]) -> bytes:
    """Draw a figure as a picture.

    Parameters
    ----------
    figure : Figure
        Any figure of the kit.
    form : str
        ``png`` or ``svg``.
    width : int
        Width [px]; the height is the figure's, and a PNG has twice as many dots.
    theme : {"light", "dark"}
        Of the page that the picture is for: a picture has a background of its own.

    Returns
    -------
    bytes
        The file.

    Raises
    ------
    StoreError
        If kaleido is not installed, or finds no Chromium.
    """
    if find_spec("kaleido") is None:
        raise StoreError(f"Pictures are drawn by kaleido, which is not installed here. {_INSTALL}")
    import kaleido
    from choreographer.errors import ChromeNotFoundError

    paper, ink = THEMES[theme]
    shown = json.loads(figure.to_json())
    shown["layout"] |= {"paper_bgcolor": paper, "plot_bgcolor": paper, "font": {"color": ink}}
    for trace in shown["data"]:
        if "text" in str(trace.get("mode")):
            trace["textfont"] = {"color": ink}
    height = int(figure.layout.height)
    options = {"format": form, "width": width, "height": height, "scale": 2 if form == "png" else 1}
    try:
        # kaleido would load a typesetter of formulas from a CDN; no figure has any.
        drawn: bytes = kaleido.calc_fig_sync(shown, options, kopts={"mathjax": False})
    except ChromeNotFoundError as error:
        raise StoreError(f"Pictures are drawn by a Chromium, and none was found here. {_INSTALL}") from error
    return drawn
