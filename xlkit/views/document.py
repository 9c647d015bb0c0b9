"""One HTML file that opens with no network: plotly.js is inside, once."""

from html import escape
from pathlib import Path

from plotly.offline import get_plotlyjs

from xlkit.errors import StoreError
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


def save(figure: Figure, path: str | Path) -> Path:
    """Save a figure as one HTML file that opens with no network.

    Parameters
    ----------
    figure : Figure
        Any figure of the kit.
    path : str or pathlib.Path
        The file to write, usually ending in ``.html``.

    Returns
    -------
    pathlib.Path
        The file that was written.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    title = str(figure.layout.title.text or "Figure")
    return write(document(title, f"<main>{figure_html(figure, 'figure', title)}</main>"), path)


def write(text: str, path: str | Path) -> Path:
    """Write a page to a file.

    Parameters
    ----------
    text : str
        What `document` or `xlkit.views.page` returned.
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
    target = Path(path)
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"Could not write {target}: {error.strerror}. Choose another place.") from error
    return target
