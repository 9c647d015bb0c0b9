"""What every policy keeps."""

import dataclasses
import json
from collections.abc import Iterator
from itertools import product

from xlkit.model import Decision, PrecopyStats, StopReason
from xlkit.policies import POLICIES, from_settings, to_settings
from xlkit.protocols import Policy, Reasoned
from xlkit.testing._expect import expect

_LATE = 2**32


class PolicyContract:
    """Prove a policy: inherit, name the class ``Test...``, and say how the policy is made.

    Attributes
    ----------
    endless : bool, default False
        Set it where the policy may by design go on for ever, and say so in the policy's docstring.

    Examples
    --------
    >>> from xlkit.policies import SusePolicy
    >>> class TestSusePolicy(PolicyContract):
    ...     def make_policy(self):
    ...         return SusePolicy(max_iters=2)
    >>> TestSusePolicy().test_the_same_numbers_get_the_same_answer()
    """

    endless = False

    def make_policy(self) -> Policy:
        """Return a new policy, each time with the same settings."""
        raise NotImplementedError

    def test_the_same_numbers_get_the_same_answer(self) -> None:
        """Hold that a policy is a function of what it is shown: asked again, in another order, by an equal one."""
        policy, other, moments = self.make_policy(), self.make_policy(), list(_moments())
        first = [policy.decide(stats) for stats in moments]
        again = [policy.decide(stats) for stats in reversed(moments)][::-1]
        expect(first == again, "Asked again, the policy answers differently: it remembers something.")
        expect(first == [other.decide(stats) for stats in moments], "Two equal policies answer differently.")
        expect(all(isinstance(answer, Decision) for answer in first), "An answer is no Decision.")

    def test_it_is_frozen_data(self) -> None:
        """Hold that two of a kind are equal and hashable, and that neither can be changed."""
        policy = self.make_policy()
        expect(policy == self.make_policy(), "Two policies with the same settings are not equal.")
        expect(hash(policy) == hash(self.make_policy()), "Two equal policies have different hashes.")
        expect(dataclasses.is_dataclass(policy), "The policy is no dataclass, so its settings cannot be stored.")
        for field in dataclasses.fields(policy):  # type: ignore[arg-type]
            try:
                setattr(policy, field.name, getattr(policy, field.name))
            except AttributeError:
                continue
            raise AssertionError(f"{field.name} of a policy can be set: make the dataclass frozen.")

    def test_its_settings_survive_the_record(self) -> None:
        """Hold that a policy turned into JSON and back is equal to itself, where its name is known."""
        policy = self.make_policy()
        settings = json.loads(json.dumps(to_settings(policy)))
        back = from_settings(settings)
        expect(to_settings(back) == settings, f"The record {settings} comes back as {to_settings(back)}.")
        expect(back == policy or settings["name"] not in POLICIES, f"{policy} comes back as {back}.")

    def test_it_ends(self) -> None:
        """Hold that precopy does not go on for ever under a guest that never converges."""
        policy = self.make_policy()
        late = [
            PrecopyStats(
                iteration=_LATE,
                dirty_pages=dirty_pages,
                total_written_pages=_LATE * _LATE,
                memory_pages=_LATE,
                elapsed_s=float(_LATE),
                last_sent_pages=_LATE,
                last_pass_s=1.0,
            )
            for dirty_pages in (None, _LATE)
        ]
        ends = any(policy.decide(stats) is not Decision.CONTINUE for stats in late)
        expect(ends or self.endless, "The policy goes on for ever; if that is meant, say so and set endless = True.")

    def test_a_stop_has_a_reason(self) -> None:
        """Hold that a policy that can name its rules names one for each stop."""
        policy = self.make_policy()
        if isinstance(policy, Reasoned):
            stops = [stats for stats in _moments() if policy.decide(stats) is not Decision.CONTINUE]
            nameless = [stats for stats in stops if policy.reason(stats) in {None, StopReason.UNKNOWN}]
            expect(not nameless, f"The policy stops without a reason at {nameless[:1]}.")


def _moments() -> Iterator[PrecopyStats]:
    """Yield moments of all kinds, among them those of a host that tells no more than Xen does."""
    for iteration, dirty_pages in product((0, 1, 2, 5, 30, 10**6), (None, 0, 1, 49, 50, 51, 10**6)):
        yield PrecopyStats(iteration=iteration, dirty_pages=dirty_pages, total_written_pages=iteration * 1000)
        for last_sent_pages, last_pass_s in product((0, 49, 50, 10**6), (0.0, 0.1, 10.0)):
            yield PrecopyStats(
                iteration=iteration,
                dirty_pages=dirty_pages,
                total_written_pages=iteration * 1000,
                memory_pages=10**6,
                elapsed_s=iteration * last_pass_s,
                last_sent_pages=last_sent_pages if iteration else None,
                last_pass_s=last_pass_s if iteration else None,
            )
