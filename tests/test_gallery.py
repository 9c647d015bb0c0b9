"""The gallery shows every view there is."""

import pytest

from tests.gallery import VIEWS, gallery
from xlkit import views


def test_no_view_is_missing_from_the_gallery():
    assert set(VIEWS) == {name for name in views.__all__ if name.startswith("plot_")}


@pytest.mark.slow
def test_the_gallery_draws_every_view_and_asks_no_network():
    page = gallery()
    assert page.count("<figure>") == len(VIEWS)
    assert "<script src=" not in page
