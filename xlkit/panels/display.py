"""What a panel shows of a run: progress, one sentence of status, the live chart, and the end."""

from collections.abc import Sequence
from html import escape

import ipywidgets

from xlkit import units
from xlkit.model import Iteration, Phase, Run
from xlkit.panels.livechart import LiveChart
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
        self.progress, self.status, self.summary = (ipywidgets.HTML() for _ in range(3))
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
        self.summary.value = ""
        self.chart.min_remaining = min_remaining
        self.chart.draw(())
        self.say(f"{what} begins; pass 0 sends the whole memory.")

    def follow(self, iterations: Sequence[Iteration], max_iters: int, elapsed_s: float) -> None:
        """Show how far the run is.

        Parameters
        ----------
        iterations : sequence of Iteration
            All passes that have ended.
        max_iters : int
            How many passes the policy allows at most.
        elapsed_s : float
            Since the launch [s].
        """
        done = sum(one.phase is Phase.PRECOPY for one in iterations)
        self.progress.value = (
            f'<progress max="{max_iters}" value="{min(done, max_iters)}" aria-label="passes done"></progress> '
            f"{done} of at most {max_iters} live passes, {units.format_s(_tenths(elapsed_s))}"
        )
        if len(iterations) != len(self._iterations):
            self._iterations = tuple(iterations)
            self.chart.draw(iterations)
            self.say(_latest(iterations[-1]))

    def end(self, run: Run) -> None:
        """Show how the run ended.

        Parameters
        ----------
        run : Run
            The run as it was recorded.
        """
        live = sum(one.phase is Phase.PRECOPY for one in run.iterations)
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


def _tenths(seconds: float) -> float:
    return int(seconds * 10) / 10
