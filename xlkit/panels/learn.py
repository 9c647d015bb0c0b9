"""The learning panel: predict how a migration ends, run it, see."""

from contextlib import suppress
from html import escape
from typing import Any, Self

import ipywidgets

from xlkit import runner
from xlkit.errors import InvalidValueError, PreflightError, XlkitError
from xlkit.model import Migration, Run, StopReason
from xlkit.panels.buttons import button
from xlkit.panels.controls import make_backend
from xlkit.panels.guide import explained
from xlkit.panels.knob import LABEL_WIDTH, Knob
from xlkit.panels.quiz import REASONS, Guess, Question, Verdict, ask, mark
from xlkit.panels.rule import RuleKnobs
from xlkit.panels.watch import WatchPanel
from xlkit.protocols import Backend
from xlkit.runner import RunHandle
from xlkit.store import RunStore
from xlkit.views.tables import html_table

_MARKS = {True: "yes", False: "no"}


class LearnPanel:
    """Ask a student how a migration will end, run it, and compare; whatever a mouse can do here, code can do, too.

    Parameters
    ----------
    question : Question or int, default 0
        The guest, the link and the rule; a number makes one up, always the same one.
    backend : str or Backend, default "sim"
        "sim" (virtual clock) or "local" (a real guest process), or a backend of your own.
    store : RunStore, optional
        Where the runs are recorded; the default store when not given.

    Examples
    --------
    >>> panel = LearnPanel(3)
    >>> panel.predict(stop_reason="min_remaining", live_passes=4, downtime_ms=5)
    >>> handle = panel.run()
    >>> [verdict.what for verdict in panel.wait(30)]
    ['ended by', 'live passes', 'downtime']
    """

    def __init__(
        self, question: Question | int = 0, *, backend: str | Backend = "sim", store: RunStore | None = None
    ) -> None:
        self._backend, self._store = backend, store
        self._number = question if isinstance(question, int) else 0
        self.question = ask(question) if isinstance(question, int) else question
        self._watch: WatchPanel | None = None
        self._made: Any = None
        self._guess: Guess | None = None
        self._run: Run | None = None
        self.reason = ipywidgets.Dropdown(
            options=[(str(one), one) for one in REASONS], description="precopy is ended by",
            tooltip="which of the two knobs will stop it", style={"description_width": LABEL_WIDTH},
        )  # fmt: skip
        self.passes = Knob("live passes", "passes", 3, (1, 100), hint="how many go out while the guest runs")
        self.downtime = Knob("downtime", "ms", 10, (1, 10_000), hint="how long the guest stands still")
        self.go = button("Run and see", "play", "primary", "migrate the guest now", self._clicked)
        self.again = button("Another question", "refresh", "", "a new guest, link and rule", self.next)
        self.asked, self.said = ipywidgets.HTML(), ipywidgets.HTML()
        self.run_view = ipywidgets.VBox()
        for name, one in (("run", self.go), ("next", self.again), ("answer", self.said)):
            one.add_class(f"xlkit-{name}")
        buttons = ipywidgets.Box([self.go, self.again], layout={"flex_flow": "row wrap"})
        guess = [explained(self.reason, "precopy is ended by"), self.passes.view, self.downtime.view]
        self.view = ipywidgets.VBox([self.asked, *guess, buttons, self.said, self.run_view])
        self.view.add_class("xlkit-learn")
        self._show_question()

    @property
    def verdicts(self) -> list[Verdict]:
        """What was right and what was not; empty before the run has ended."""
        return mark(self._guess, self._run) if self._run is not None and self._guess is not None else []

    def predict(self, *, stop_reason: str, live_passes: int, downtime_ms: int) -> None:
        """Set the prediction, as the mouse would.

        Parameters
        ----------
        stop_reason : str
            Which knob ends precopy: "min_remaining" or "max_iters".
        live_passes : int
            Passes sent while the guest runs.
        downtime_ms : int
            How long the guest stands still [ms].

        Raises
        ------
        InvalidValueError
            If one of them cannot be.
        """
        if stop_reason not in REASONS:
            raise InvalidValueError(f"stop_reason must be min_remaining or max_iters, not {stop_reason!r}.")
        self.passes.value, self.downtime.value = live_passes, downtime_ms
        self.reason.value = StopReason(stop_reason)

    def run(self) -> RunHandle:
        """Migrate the guest of the question, and return at once.

        Returns
        -------
        RunHandle
            The run that is going on.

        Raises
        ------
        PreflightError
            If one is going on already.
        """
        if self._watch is not None and self._watch.running:
            raise PreflightError("The migration of this question is going on: wait for its end.")
        self._end()
        self._guess = Guess(
            stop_reason=self.reason.value, live_passes=self.passes.value, downtime_s=self.downtime.value / 1000
        )
        handle = runner.start(Migration("guest"), self.question.policy, self._new_backend(), store=self._store)
        self.said.value = '<div role="status">Running…</div>'
        self._watch = WatchPanel(rule=RuleKnobs(self.question.policy), store=self._store)
        self._watch.on_end(self._over)
        self.run_view.children = (self._watch.view,)
        self._watch.follow(handle)
        return handle

    def wait(self, timeout_s: float | None = None) -> list[Verdict]:
        """Wait for the end of the run.

        Parameters
        ----------
        timeout_s : float, optional
            How long to wait at most [s]; for ever when not given.

        Returns
        -------
        list of Verdict
            What was right and what was not.

        Raises
        ------
        PreflightError
            If nothing was run.
        TimeoutError
            If it goes on still.
        """
        if self._watch is None:
            raise PreflightError("Nothing was run yet. Use run(), or the button.")
        self._watch.wait(timeout_s)
        return self.verdicts

    def next(self) -> None:
        """Ask another question; a run that is going on is given up."""
        self._end()
        self._number += 1
        self.question = ask(self._number)
        self._show_question()

    def close(self) -> None:
        """Give up what is going on, and take the panel off the page."""
        self._end()
        self.view.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        right = [verdict.right for verdict in self.verdicts]
        return f"LearnPanel({sum(right)} of {len(right)} right)" if right else "LearnPanel(not run yet)"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        return {**(self.view._repr_mimebundle_(**options) or {}), "text/plain": repr(self)}

    def _show_question(self) -> None:
        self._guess = self._run = None
        self.said.value, self.run_view.children = "", ()
        self.asked.value = f"<p><b>How will this migration end?</b> {escape(str(self.question))}</p>"

    def _clicked(self) -> None:
        try:
            self.run()
        except XlkitError as error:
            self.said.value = f'<div role="status">{escape(str(error))}</div>'

    def _new_backend(self) -> Any:
        if not isinstance(self._backend, str):
            return self._backend
        asked = self.question
        self._made = make_backend(
            self._backend,
            memory_mib=asked.memory_mib,
            bandwidth_mbit_s=asked.bandwidth_mbit_s,
            workload=asked.workload,
        )
        return self._made

    def _over(self, run: Run | None) -> None:
        self._run = run
        if run is None or self._guess is None:
            self.said.value = '<div role="status">The migration failed; the line below says why.</div>'
            return
        verdicts = mark(self._guess, run)
        rows = [[one.what, one.guessed, one.happened, _MARKS[one.right]] for one in verdicts]
        right = sum(one.right for one in verdicts)
        table = html_table("Your prediction and the run", ["", "you said", "it was", "right"], rows)
        self.said.value = f'<div role="status">{right} of {len(verdicts)} right.</div>{table}'

    def _end(self) -> None:
        if self._watch is not None:
            self._watch.abort()
            with suppress(XlkitError):
                self._watch.wait()
            self._watch.close()
            self._watch = None
        if hasattr(self._made, "close"):
            self._made.close()
        self._made = None
