"""One HTML file that opens with no network: plotly.js is inside, once."""

from html import escape
from pathlib import Path
from typing import Literal

from plotly.offline import get_plotlyjs

from xlkit.errors import InvalidValueError, StoreError
from xlkit.views.image import ENDINGS, THEMES, draw
from xlkit.views.template import Figure, figure_style

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --soft: #57606a; --line: #d0d7de; --page: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --soft: #a9a9a9; --line: #4a4a4a; --page: #161616; } }
@media print { :root { --ink: #000; --soft: #333; --line: #999; --page: #fff; } }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 62rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2.2rem; } h3 { font-size: 1rem; }
figure { margin: 1rem 0 2rem; } figcaption, caption, footer, .note { color: var(--soft); font-size: .9rem; }
.note { border-left: 3px solid var(--line); padding-left: .8rem; } .wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .3rem; }
th, td { padding: .25rem .8rem .25rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
details { margin: 1rem 0; }
summary { cursor: pointer; } th { font-weight: 600; } tbody th { font-weight: 400; } td.number { text-align: right; }
nav { margin: 1rem 0; line-height: 1.9; } nav a { white-space: nowrap; } footer { margin-top: 3rem; }
h4 { margin-bottom: .2rem; } ul { margin-top: .2rem; padding-left: 1.2rem; } a { color: inherit; }
@media print { figure, table { break-inside: avoid; } nav { display: none; } details > * { display: block; } }
figure > div { overflow-x: auto; } .plotly-graph-div { min-width: 40rem; }
"""


def document(title: str, body: str) -> str:
    """Wrap a page's body into a whole HTML file.

    Parameters
    ----------
    title : str
        Title of the page.
    body : str
        The page's HTML; its figures come from `figure_html`.

    Returns
    -------
    str
        The file's text; it asks nothing of any network.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}{figure_style('var(--ink)')}</style>\n<script>{get_plotlyjs()}</script>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def figure_html(figure: Figure, name: str, caption: str) -> str:
    """Write a figure as a part of a page.

    Parameters
    ----------
    figure : Figure
        Any figure of the kit.
    name : str
        The element's id, different for each figure of a page.
    caption : str
        What to see in the figure; it stands below it, and a screen reader reads it in its place.

    Returns
    -------
    str
        A ``figure`` element.
    """
    drawing = figure.to_html(full_html=False, include_plotlyjs=False, include_mathjax=False, div_id=name)
    return (
        f'<figure><div role="img" aria-label="{escape(caption)}">{drawing}</div>\n'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def save(figure: Figure, path: str | Path, *, width: int = 960, theme: Literal["light", "dark"] = "light") -> Path:
    """Save a figure to a file: a page that opens with no network, or a picture, by the file's ending.

    Parameters
    ----------
    figure : Figure
        Any figure of the kit.
    path : str or pathlib.Path
        The file to write: ``.html``, ``.png`` or ``.svg``.
    width : int, default 960
        Width of a picture [px]; a page takes the width of its window.
    theme : {"light", "dark"}, default "light"
        Background of a picture; a page follows the reader's system.

    Returns
    -------
    pathlib.Path
        The file that was written.

    Raises
    ------
    InvalidValueError
        If the ending or the theme is none of these.
    StoreError
        If the file cannot be written, or a picture cannot be drawn for want of kaleido or of a Chromium.
    """
    target = Path(path)
    if theme not in THEMES:
        raise InvalidValueError(f"theme is one of {', '.join(THEMES)}, not {theme!r}.")
    if target.suffix.lower() in ENDINGS:
        return _write_bytes(draw(figure, target.suffix.lower()[1:], width=width, theme=theme), target)
    if target.suffix.lower() not in {".html", ".htm"}:
        raise InvalidValueError(f"A figure is saved as .html, {' or '.join(ENDINGS)}, not as {target.name!r}.")
    title = str(figure.layout.title.text or "Figure")
    return write(document(title, f"<main>{figure_html(figure, 'figure', title)}</main>"), path)


def write(text: str, path: str | Path) -> Path:
    """Write a page to a file.

    Parameters
    ----------
    text : str
        What `document` or `xlkit.views.report` returned.
    path : str or pathlib.Path
        The file to write.

    Returns
    -------
    pathlib.Path
        The file that was written.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    return _write_bytes(text.encode("utf-8"), Path(path))


def _write_bytes(content: bytes, target: Path) -> Path:
    try:
        target.write_bytes(content)
    except OSError as error:
        raise StoreError(f"Could not write {target}: {error.strerror}. Choose another place.") from error
    return target
