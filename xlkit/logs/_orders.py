"""The stop rule that held at each call, and what an operator changed meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xlkit.logs._origin import PolicyFrom, as_policy
from xlkit.logs.passes import PolicyCall
from xlkit.model import Action, Control, Decision, StopReason

_NO_RULE = {"event", "t", "wall", "action", "seq", "ask", "answer", "answer_within_s"}
_ACTIONS = {"stop": Action.STOP_NOW, "abort": Action.ABORT, "abort-now": Action.ABORT}


@dataclass(frozen=True, slots=True)
class _Order:
    action: Action
    given_at_s: float
    policy: Mapping[str, Any] | None = None


class Orders:
    """Tell an operator's changes of the policy from the rule that the run began with."""

    def __init__(self, policy_from: PolicyFrom | None) -> None:
        self.policy: dict[str, Any] | None = None
        self.cut = False
        self._rule: dict[str, Any] = {}
        self._action: Action | None = None
        self._waiting: list[_Order] = []
        self._policy_from = policy_from

    @property
    def waiting(self) -> int:
        """How many orders no call has obeyed yet."""
        return len(self._waiting)

    def hear(self, facts: Mapping[str, Any], now_s: float) -> None:
        """Take a policy as it was read: the first is the run's own, a later one an operator's."""
        stated = facts.get("policy")
        rule = {"name": "threshold"} | {name: value for name, value in facts.items() if name not in _NO_RULE}
        rule = dict(stated) if isinstance(stated, Mapping) else rule
        if self.policy is None:
            self.policy = rule
        elif rule != self._rule:
            self._waiting.append(_Order(Action.SET_POLICY, now_s, rule))
        self._rule = rule
        action = _ACTIONS.get(str(facts.get("action")))
        if action not in {None, self._action}:
            self._waiting.append(_Order(action, now_s))
        self._action = action

    def taken_up(self, call: PolicyCall, now_s: float) -> list[Control]:
        """Tell which orders a call of the policy was the first to obey."""
        waiting, self._waiting = self._waiting, []
        return [self._control(order, call.iteration, now_s, before=call.dirty_pages is not None) for order in waiting]

    def taken_up_in_pass(self, last_call: PolicyCall | None, now_s: float) -> list[Control]:
        """Tell which orders ended the pass itself; the stream was cut without asking the policy again."""
        if self._action is not Action.ABORT:
            return []
        self.cut = True
        iteration = 0 if last_call is None else last_call.iteration
        waiting, self._waiting = self._waiting, []
        return [self._control(order, iteration, now_s, before=False) for order in waiting]

    def reason(self, call: PolicyCall, stated: object) -> StopReason | None:
        """Tell why the policy ended precopy at a call, None where it went on."""
        if call.decision is Decision.ABORT:
            return StopReason.ABORTED
        if call.decision is not Decision.STOP_AND_COPY:
            return None
        if self._action is Action.STOP_NOW:
            return StopReason.OPERATOR
        if stated in set(StopReason):
            return StopReason(str(stated))
        least, most = self._rule.get("min_remaining"), self._rule.get("max_iters")
        if isinstance(least, int) and call.dirty_pages is not None and call.dirty_pages < least:
            return StopReason.MIN_REMAINING
        return StopReason.MAX_ITERS if isinstance(most, int) and call.iteration >= most else StopReason.POLICY

    def _control(self, order: _Order, iteration: int, now_s: float, *, before: bool) -> Control:
        return Control(
            action=order.action,
            iteration=iteration,
            before_pass=before,
            latency_s=now_s - order.given_at_s,
            policy=as_policy(order.policy, self._policy_from),
        )
