"""What a panel shows of a run: progress, one sentence of status, the live chart, and the end."""

from collections.abc import Sequence
from html import escape

import ipywidgets

from xlkit import units
from xlkit.model import Forecast, Iteration, Phase, Run, RunStart
from xlkit.panels.livechart import LiveChart
from xlkit.protocols import Policy
from xlkit.runner import Snapshot
from xlkit.views.facts import downtime_text
from xlkit.views.prose import happened
from xlkit.views.tables import iterations_table


class RunDisplay:
    """Show a run on its way; whoever calls holds the panel's lock.

    Parameters
    ----------
    min_remaining : int
        Threshold to draw before anything was launched [page of 4096 B].
    """

    def __init__(self, min_remaining: int) -> None:
        self.chart = LiveChart(min_remaining=min_remaining)
        self.progress, self.status, self.expected, self.summary = (ipywidgets.HTML() for _ in range(4))
        self.status.add_class("xlkit-status")
        self.summary.add_class("xlkit-summary")
        self._iterations: Sequence[Iteration] = ()
        self.say("Nothing launched yet.")

    def say(self, sentence: str) -> None:
        """Write the status line, which a screen reader reads out.

        Parameters
        ----------
        sentence : str
            Plain text.
        """
        value = f'<div role="status" style="line-height: 1.4">{escape(sentence)}</div>'
        # Setting the same text again would be read out again.
        if self.status.value != value:
            self.status.value = value

    def begin(self, min_remaining: int, what: str) -> None:
        """Clear the run before, and say that a new one is on its way.

        Parameters
        ----------
        min_remaining : int
            Threshold of its policy [page of 4096 B].
        what : str
            Which migration it is.
        """
        self._iterations = ()
        self.summary.value = self.expected.value = ""
        self.chart.min_remaining, self.chart.proposed = min_remaining, 0
        self.chart.draw(())
        self.say(f"{what} begins; pass 0 sends the whole memory.")

    def propose(self, min_remaining: int, *, in_force: bool) -> None:
        """Draw the threshold that the knob stands at.

        Parameters
        ----------
        min_remaining : int
            Threshold [page of 4096 B].
        in_force : bool
            Whether it is that of the next launch; else a run goes on, and its own line stays.
        """
        if in_force:
            self.chart.min_remaining = min_remaining
        self.chart.proposed = 0 if in_force or min_remaining == self.chart.min_remaining else min_remaining

    def follow(self, seen: Snapshot, policy: Policy, elapsed_s: float) -> None:
        """Show how far the run is.

        Parameters
        ----------
        seen : Snapshot
            The run as it stands.
        policy : Policy
            The policy in force.
        elapsed_s : float
            Since the panel began to follow [s].
        """
        self.progress.value = _progress(seen, policy, elapsed_s)
        threshold = getattr(policy, "min_remaining", 0)
        if threshold != self.chart.min_remaining:
            self.chart.min_remaining = threshold
            self.chart.proposed = 0
        if len(seen.iterations) != len(self._iterations):
            self._iterations = tuple(seen.iterations)
            self.chart.draw(seen.iterations)
            self.say(_latest(seen.iterations[-1]))

    def foretell(self, told: Forecast | None) -> None:
        """Show what is expected of the run from its passes so far.

        Parameters
        ----------
        told : Forecast or None
            What is expected; None where nobody can tell yet.
        """
        if told is None or told.downtime_s is None or told.total_s is None:
            self.expected.value = ""
            return
        downtime, total = (
            f"{units.format_s(one.likely)} ({units.format_s(one.low)} to {units.format_s(one.high)})"
            for one in (told.downtime_s, told.total_s)
        )
        self.expected.value = f"Expected by its passes so far: downtime {downtime}, {total} in total."

    def end(self, run: Run) -> None:
        """Show how the run ended.

        Parameters
        ----------
        run : Run
            The run as it was recorded.
        """
        live = sum(one.phase is Phase.PRECOPY for one in run.iterations)
        self.foretell(None)
        self.progress.value = f'<progress max="1" value="1" aria-label="passes done"></progress> {live} live passes'
        self.say(f"Run {run.run_id} {run.stop.status}, ended by {run.stop.stop_reason}; downtime {downtime_text(run)}.")
        table = iterations_table(run, f"run {run.run_id} ({run.start.origin})")
        told = f'<p style="line-height: 1.4">{escape(happened(run))}</p>'
        self.summary.value = f"{told}<details><summary>Every pass as a table</summary>{table}</details>"

    def fail(self, sentence: str) -> None:
        """Show that the run failed.

        Parameters
        ----------
        sentence : str
            What was tried, what came back, what to do next.
        """
        self.progress.value = ""
        self.say(sentence)


def _latest(one: Iteration) -> str:
    count = "an unknown number of" if one.dirty_pages is None else f"{one.dirty_pages:,}"
    paused = ", sent while the guest was paused" if one.phase is Phase.STOP_AND_COPY else ""
    return f"Pass {one.iteration} has ended: {count} dirty pages{paused}."


def _progress(seen: Snapshot, policy: Policy, elapsed_s: float) -> str:
    done = sum(one.phase is Phase.PRECOPY for one in seen.iterations)
    most = getattr(policy, "max_iters", None)
    known = f'max="{most}" value="{min(done, most)}" ' if most else ""
    limit = f" of at most {most}" if most else ""
    parts = [f"{done}{limit} live passes", units.format_s(_tenths(elapsed_s))]
    share = None if seen.iterations or seen.start is None else _share_of_first_pass(seen.start, elapsed_s)
    if share is not None:
        parts.append(f"about {share:.0%} of pass 0")
    return f'<progress {known}aria-label="passes done"></progress> {", ".join(parts)}'


def _share_of_first_pass(start: RunStart, elapsed_s: float) -> float | None:
    """Estimate how much of the memory went out, where the link's bandwidth was set."""
    bandwidth_bytes_s = start.setup.settings.get("bandwidth_bytes_s")
    if not bandwidth_bytes_s or not start.setup.memory_pages:
        return None
    return min(0.99, elapsed_s * float(bandwidth_bytes_s) / (start.setup.memory_pages * units.PAGE_BYTES))


def _tenths(seconds: float) -> float:
    return int(seconds * 10) / 10
