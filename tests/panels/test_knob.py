"""A slider and a box for one number."""

import pytest

from xlkit.errors import InvalidValueError
from xlkit.panels.knob import Knob


@pytest.fixture
def knob():
    return Knob("min_remaining", "pages", 50, (1, 100_000), smallest=0, largest=2**32 - 1)


def test_the_slider_sets_the_box_to_two_digits(knob):
    knob.slider.value = 1234.5
    assert knob.value == 1200


def test_the_slider_stays_under_the_hand(knob):
    knob.slider.value = 1234.5
    assert knob.slider.value == 1234.5


def test_the_box_keeps_every_digit_and_moves_the_slider(knob):
    knob.box.value = 1234
    assert knob.value == 1234
    assert knob.slider.value == 1234


def test_the_box_goes_where_the_slider_does_not(knob):
    knob.value = 5_000_000
    assert knob.slider.value == 100_000
    assert knob.value == 5_000_000
    knob.value = 0
    assert knob.value == 0


@pytest.mark.parametrize("value", ["50", 1.5, -1, 2**32, True])
def test_what_is_no_count_is_refused_instead_of_clipped(knob, value):
    with pytest.raises(InvalidValueError):
        knob.value = value
    assert knob.value == 50


def test_whoever_observes_hears_the_number(knob):
    heard = []
    knob.observe(heard.append)
    knob.slider.value = 500
    assert heard == [500]


def test_the_label_holds_the_unit(knob):
    assert knob.box.description == "min_remaining [pages]"
    assert knob.slider.tooltip.startswith("min_remaining [pages]")


def test_a_page_that_snaps_the_slider_to_its_steps_changes_nothing(knob):
    knob.value = 128
    knob.slider.value = 10**2.1
    assert knob.value == 128


def test_one_press_of_an_arrow_key_moves_the_number(knob):
    knob.value = 128
    knob.slider.value = 10**2.1
    knob.slider.value = 10**2.15
    assert knob.value == 140
