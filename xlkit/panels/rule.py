"""The stop rule as widgets: both knobs."""

from collections.abc import Callable
from html import escape

import ipywidgets

from xlkit.panels.knob import Knob
from xlkit.policies import XEN_MAX_ITERS, XEN_MIN_REMAINING, ThresholdPolicy
from xlkit.units import UINT32_MAX


class RuleKnobs:
    """Hold `min_remaining` and `max_iters`; each is a widget that code and mouse set alike.

    Parameters
    ----------
    policy : ThresholdPolicy, optional
        First values; Xen's defaults when not given.
    title : str, default "Stop rule"
        What stands above them.
    """

    def __init__(self, policy: ThresholdPolicy | None = None, *, title: str = "Stop rule") -> None:
        first = policy or ThresholdPolicy(min_remaining=XEN_MIN_REMAINING, max_iters=XEN_MAX_ITERS)
        self.min_remaining = Knob(
            "min_remaining", "pages", first.min_remaining, (1, 100_000), smallest=0, largest=UINT32_MAX,
            hint="precopy ends before the first pass with fewer dirty pages, which is still sent live; 0 is Xen's 50",
        )  # fmt: skip
        self.max_iters = Knob(
            "max_iters", "passes", first.max_iters, (1, 100), smallest=0, largest=UINT32_MAX,
            hint="precopy ends when so many passes are done; 0 is Xen's 5",
        )  # fmt: skip
        self.view = ipywidgets.VBox(
            [ipywidgets.HTML(f"<b>{escape(title)}</b>"), self.min_remaining.view, self.max_iters.view]
        )

    def policy(self) -> ThresholdPolicy:
        """Return the stop rule that is set.

        Returns
        -------
        ThresholdPolicy
            Xen's rule with both knobs.
        """
        return ThresholdPolicy(min_remaining=self.min_remaining.value, max_iters=self.max_iters.value)

    def observe(self, changed: Callable[[ThresholdPolicy], None]) -> None:
        """Call a function with the rule whenever a knob is moved.

        Parameters
        ----------
        changed : callable
            Takes the policy that is set now.
        """
        for knob in (self.min_remaining, self.max_iters):
            knob.observe(lambda _: changed(self.policy()))
