"""The look: enough contrast, never colour alone."""

import pytest

from xlkit.views.template import INK, PALETTE, Figure, bar_style, series_style


def luminance(colour):
    def linear(part):
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#161616"])
@pytest.mark.parametrize("colour", [*PALETTE, INK])
def test_colours_stand_out_on_light_and_dark_pages(colour, page):
    assert contrast(colour, page) >= 3


def test_every_style_of_a_series_differs_from_the_others():
    drawn = [(style["line"]["color"], style["line"]["dash"]) for style in map(series_style, range(12))]
    assert len(set(drawn)) == 12


def test_bars_differ_by_pattern():
    assert len({bar_style(index)["pattern"]["shape"] for index in range(4)}) == 4


def test_figures_leave_the_page_its_background():
    layout = Figure("Empty").layout.template.layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
