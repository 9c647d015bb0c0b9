"""What the policies share: rules that fire, and counts with a default."""

from dataclasses import fields
from html import escape

from xlkit.model import Decision, PrecopyStats, StopReason
from xlkit.units import whole_number

XEN_MIN_REMAINING = 50
XEN_MAX_ITERS = 5


class Rule:
    """A policy that stops precopy for exactly the moments at which one of its rules fires."""

    __slots__ = ()

    def fires(self, stats: PrecopyStats) -> StopReason | None:
        """Name the rule that ends precopy at `stats`, None to go on."""
        raise NotImplementedError

    def decide(self, stats: PrecopyStats) -> Decision:
        """Stop when a rule fires, otherwise go on."""
        return Decision.CONTINUE if self.fires(stats) is None else Decision.STOP_AND_COPY

    def reason(self, stats: PrecopyStats) -> StopReason:
        """Name the rule that fired."""
        return self.fires(stats) or StopReason.UNKNOWN

    def _repr_html_(self) -> str:
        settings = {one.name: getattr(self, one.name) for one in fields(self)}  # type: ignore[arg-type] # each is one
        rows = "".join(
            f'<tr><th scope="row">{escape(name)}</th><td>{escape(str(value))}</td></tr>'
            for name, value in settings.items()
        )
        return f"<table><caption>policy {escape(str(getattr(self, 'name', '')))}</caption><tbody>{rows}</tbody></table>"


def take_count(policy: object, name: str, default: int) -> None:
    """Check a count of a frozen policy, and put the default where 0 asks for it."""
    object.__setattr__(policy, name, whole_number(name, getattr(policy, name)) or default)
