"""The operator's hand on a run that is going on: stop now, abort, or another policy from the next call on."""

import threading
import time
from dataclasses import dataclass, field

from xlkit.model import Action, Control, Decision, PrecopyStats, StopReason
from xlkit.protocols import Policy, Reasoned


@dataclass(slots=True)
class _Order:
    action: Action
    policy: Policy | None
    given_at_s: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Orders:
    """What an operator has asked for so far, taken up or not.

    Parameters
    ----------
    count : int
        How many orders were given.
    policy : Policy
        The policy that answers, or will from the next call on.
    stopping : bool
        Whether `Switch.stop_now` was called.
    aborting : bool
        Whether `Switch.abort` was called.
    """

    count: int
    policy: Policy
    stopping: bool
    aborting: bool


class Switch:
    """Wrap a policy so that it can be overruled or replaced from any thread while the run is going.

    An abort stands: nothing that is asked afterwards takes it back. A stop gives way to an abort only.

    Parameters
    ----------
    policy : Policy
        The policy that answers as long as nobody says otherwise.

    Examples
    --------
    >>> from xlkit.policies import ThresholdPolicy
    >>> switch = Switch(ThresholdPolicy())
    >>> switch.stop_now()
    >>> switch.decide(PrecopyStats(iteration=0, dirty_pages=65536, total_written_pages=0))
    <Decision.STOP_AND_COPY: 'stop_and_copy'>
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._orders: list[_Order] = []
        self._taken = 0
        self._stopping = False
        self._aborting = False
        self._taken_up: list[Control] = []
        self._lock = threading.Lock()

    @property
    def policy(self) -> Policy:
        """The policy that answers now, or from the next call on."""
        with self._lock:
            replaced = [order.policy for order in self._orders if order.policy is not None]
            return replaced[-1] if replaced else self._policy

    def set_policy(self, policy: Policy) -> None:
        """Let another policy answer from the next call on.

        Parameters
        ----------
        policy : Policy
            The new policy.
        """
        self._order(_Order(Action.SET_POLICY, policy))

    def stop_now(self) -> None:
        """Go to stop-and-copy at the next call."""
        self._order(_Order(Action.STOP_NOW, None))

    def abort(self) -> None:
        """Give the migration up, within the pass where the backend can; the guest runs on at the source."""
        self._order(_Order(Action.ABORT, None))

    def abort_requested(self) -> bool:
        """Tell whether `abort` was called."""
        with self._lock:
            return self._aborting or any(order.action is Action.ABORT for order in self._orders)

    def orders(self) -> Orders:
        """Tell what stands, for a backend whose policy decides on another machine."""
        policy = self.policy
        with self._lock:
            actions = {order.action for order in self._orders}
            return Orders(
                count=self._taken + len(self._orders),
                policy=policy,
                stopping=self._stopping or Action.STOP_NOW in actions,
                aborting=self._aborting or Action.ABORT in actions,
            )

    def decide(self, stats: PrecopyStats) -> Decision:
        """Take up what was asked since the last call, then answer."""
        return self.decide_under(stats)

    def decide_under(self, stats: PrecopyStats, count: int | None = None) -> Decision:
        """Answer a call that was made when only some of the orders had arrived.

        Parameters
        ----------
        stats : PrecopyStats
            What the policy was shown.
        count : int or None, default None
            How many of the orders had arrived; None takes up all.

        Returns
        -------
        Decision
            The answer.
        """
        with self._lock:
            self._take_up(stats, count)
            policy = self._policy
        if self._aborting:
            return Decision.ABORT
        return Decision.STOP_AND_COPY if self._stopping else policy.decide(stats)

    def reason(self, stats: PrecopyStats) -> StopReason:
        """Name what ended precopy: the operator, or the policy's own rule."""
        if self._aborting:
            return StopReason.ABORTED
        if self._stopping:
            return StopReason.OPERATOR
        return self._policy.reason(stats) if isinstance(self._policy, Reasoned) else StopReason.POLICY

    def taken_up(self) -> list[Control]:
        """Return, once, what was taken up since the last time this was asked."""
        with self._lock:
            controls, self._taken_up = self._taken_up, []
            return controls

    def _order(self, order: _Order) -> None:
        with self._lock:
            self._orders.append(order)

    def _take_up(self, stats: PrecopyStats, count: int | None) -> None:
        now_s = time.monotonic()
        arrived = len(self._orders) if count is None else max(0, count - self._taken)
        orders, self._orders = self._orders[:arrived], self._orders[arrived:]
        self._taken += len(orders)
        for order in orders:
            self._stopping |= order.action is Action.STOP_NOW
            self._aborting |= order.action is Action.ABORT
            self._policy = order.policy or self._policy
            self._taken_up.append(
                Control(
                    action=order.action,
                    iteration=stats.iteration,
                    before_pass=stats.dirty_pages is not None,
                    latency_s=now_s - order.given_at_s,
                    policy=order.policy,
                )
            )
