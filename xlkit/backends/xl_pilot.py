"""The operator's orders on their way to the host: what ``policy.json`` there should hold now."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from xlkit.backends.xl_run import HostRun
from xlkit.backends.xl_story import Story
from xlkit.errors import HostUnreachableError
from xlkit.policies import ThresholdPolicy
from xlkit.protocols import Policy
from xlkit.switch import Orders, Switch

_RULE = ("min_remaining", "max_iters", "ask")


class Pilot:
    """Carries the operator's orders to the host.

    Parameters
    ----------
    policy : Policy
        When precopy ends; a `Switch` takes orders.
    answer_within_s : float
        How long the host waits for the answer of a policy that only Python knows [s].
    before : mapping, optional
        What ``policy.json`` holds already, where an earlier watcher has written it. It stands until an order replaces
        it, and no order takes an earlier stop or abort back.
    rule : Policy, optional
        The stop rule that the run began with, where an earlier watcher has begun it.

    Attributes
    ----------
    policy : Policy
        As given.
    aborting : bool
        Whether the migration is being given up.
    orders_before : int
        How many orders earlier watchers gave.
    """

    def __init__(
        self,
        policy: Policy,
        answer_within_s: float,
        *,
        before: Mapping[str, Any] | None = None,
        rule: Policy | None = None,
    ) -> None:
        self.policy = policy
        self._before, self._first_rule = before or {}, rule
        self._answer_within_s = answer_within_s
        self.orders_before = int(self._before.get("seq", 0))
        self.aborting = self._before.get("action") == "abort"
        # An order may have come before this: it is not there yet.
        self._sent = dict(self._before) or self.settings()

    def settings(self) -> dict[str, Any]:
        """Return what ``policy.json`` should hold now.

        Returns
        -------
        dict
            The two knobs, the order that overrules them, and how many orders there were.
        """
        orders = self._orders()
        self.aborting |= orders.aborting
        stopping = orders.stopping or self._before.get("action") == "stop"
        stands = self._before and orders.policy is self._first_rule
        return {
            **({name: self._before[name] for name in _RULE} if stands else _rule(orders.policy)),
            "action": "abort" if self.aborting else "stop" if stopping else None,
            "answer_within_s": self._answer_within_s,
            "seq": self.orders_before + orders.count,
        }

    @property
    def began_with(self) -> dict[str, Any] | None:
        """The rule that an earlier watcher gave the host at first, None where there was none."""
        return None if self._first_rule is None else _rule(self._first_rule)

    def abort(self) -> None:
        """Give the migration up."""
        self.aborting = True

    def steer(self, run: HostRun, story: Story) -> None:
        """Write what has changed; a host that is away gets it later.

        Parameters
        ----------
        run : HostRun
            The migration.
        story : Story
            What it told so far.
        """
        self.aborting |= story.failure is not None
        wanted = self.settings()
        if wanted != self._sent and not story.handed_over:
            with suppress(HostUnreachableError):
                run.order(wanted)
                self._sent = wanted

    def _orders(self) -> Orders:
        if isinstance(self.policy, Switch):
            return self.policy.orders()
        return Orders(count=0, policy=self.policy, stopping=False, aborting=False)


def _rule(rule: Policy) -> dict[str, Any]:
    """Return the two knobs, which also stand in for a policy that only Python knows when its answer is late."""
    known = isinstance(rule, ThresholdPolicy)
    knobs = ThresholdPolicy(min_remaining=getattr(rule, "min_remaining", 0), max_iters=getattr(rule, "max_iters", 0))
    return {"min_remaining": knobs.min_remaining, "max_iters": knobs.max_iters, "ask": not known}
