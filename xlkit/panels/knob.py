"""A number that is set by a slider or typed into a box."""

import math
from collections.abc import Callable
from typing import Any

import ipywidgets

from xlkit.errors import InvalidValueError
from xlkit.panels.guide import explained
from xlkit.units import whole_number

LABEL_WIDTH = "12.5em"
_STEP = 0.05


class Knob:
    """Couple a slider on a log scale with a box for the exact number; the box holds the truth.

    Parameters
    ----------
    name : str
        What the number is, for the label and for the way to the notebook that explains it.
    unit : str
        Its unit, for the label and for screen readers.
    value : int
        First value.
    span : tuple of int
        Ends of the slider.
    smallest : int, optional
        Smallest number that the box takes; the slider's end when not given.
    largest : int, optional
        Largest number that the box takes; the slider's end when not given.
    hint : str, default ""
        What the number does, shown when the pointer rests on it.

    Raises
    ------
    InvalidValueError
        If the value is no whole number or out of range.
    """

    def __init__(
        self, name: str, unit: str, value: int, span: tuple[int, int], *,
        smallest: int | None = None, largest: int | None = None, hint: str = "",
    ) -> None:  # fmt: skip
        self._name, (self._low, self._high) = name, span
        self._smallest, self._largest = self._low if smallest is None else smallest, largest or self._high
        label = f"{name} [{unit}]" if unit else name
        self.box = ipywidgets.BoundedIntText(
            self._checked(value), min=self._smallest, max=self._largest, description=label, tooltip=f"{label}: {hint}",
            style={"description_width": LABEL_WIDTH}, layout={"width": "20.5em"},
        )  # fmt: skip
        self.slider = ipywidgets.FloatLogSlider(
            self._on_slider(value), base=10, min=math.log10(self._low), max=math.log10(self._high), step=_STEP,
            readout=False, tooltip=f"{label}: {hint}", layout={"width": "15em"},
        )  # fmt: skip
        self.slider.observe(self._slid, "value")
        self.box.observe(self._typed, "value")
        self.view = explained(ipywidgets.HBox([self.box, self.slider]), name)
        self._coupling = False

    @property
    def value(self) -> int:
        """The number."""
        return int(self.box.value)

    @value.setter
    def value(self, value: int) -> None:
        self.box.value = self._checked(value)

    def _checked(self, value: int) -> int:
        # The box would silently clip what is out of range.
        number: int = whole_number(self._name, value, largest=self._largest)
        if number < self._smallest:
            raise InvalidValueError(f"{self._name} must be at least {self._smallest}, not {number}.")
        return number

    def observe(self, changed: Callable[[int], None]) -> None:
        """Call a function with the number whenever it changes.

        Parameters
        ----------
        changed : callable
            Takes the number.
        """
        self.box.observe(lambda change: changed(int(change["new"])), "value")

    def disable(self, *, disabled: bool) -> None:
        """Lock or unlock both controls.

        Parameters
        ----------
        disabled : bool
            Whether they are locked.
        """
        self.box.disabled = self.slider.disabled = disabled

    def _slid(self, change: dict[str, Any]) -> None:
        # A page snaps the slider to its steps when it draws it, and sends that back: nobody has moved anything.
        if abs(math.log10(change["new"]) - math.log10(self._on_slider(self.value))) > _STEP / 2 + 1e-6:
            self._couple(self.box, _two_digits(change["new"]))

    def _typed(self, change: dict[str, Any]) -> None:
        self._couple(self.slider, self._on_slider(change["new"]))

    def _couple(self, follower: Any, value: float) -> None:
        # The one that follows must not answer: the slider would jump under the hand, the box would lose its digits.
        if self._coupling:
            return
        self._coupling = True
        try:
            follower.value = value
        finally:
            self._coupling = False

    def _on_slider(self, value: int) -> float:
        return float(min(max(value, self._low), self._high))


def _two_digits(value: float) -> int:
    step: int = 10 ** max(0, math.floor(math.log10(value)) - 1)
    return step * int(value / step + 0.5)
