"""The watch panel: see a run on its way, stop it, abort it, let it follow another rule."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import ipywidgets

from xlkit import runner
from xlkit.errors import PreflightError, XlkitError
from xlkit.forecasts import forecast
from xlkit.model import Run, RunStop, Status, StopReason
from xlkit.panels.buttons import Buttons, page_ink
from xlkit.panels.display import RunDisplay
from xlkit.panels.following import Recorded
from xlkit.panels.rule import RuleKnobs
from xlkit.policies import ThresholdPolicy
from xlkit.store import RunStore

REFRESH_S = 0.1
AGAIN_S = 2.0
TRIES = 30
FORETELL_S = 2.0
LONG_PASS_S = 0.5

_log = logging.getLogger("xlkit.panels")

_FEWEST_PASSES = 2
_GOING_ON = RunStop(status=Status.RUNNING, stop_reason=StopReason.UNKNOWN)

Followed = runner.RunHandle | Recorded


class WatchPanel:
    """Show a run on its way, and hold what an operator may do to it; whatever a mouse can do here, code can do, too.

    Several panels may show one run: each sees what the others did. Closing the page or the panel leaves the run going.

    Parameters
    ----------
    run : RunHandle or str or int, optional
        The run: what `start` or `attach` returned, or a run of the store by its id, its beginning or its place (-1 is
        the latest). None waits for `follow`.
    backend : Backend, optional
        What drives a run of the store that lost its watcher; the panel then attaches to it. Also what it attaches to
        again when the connection to the host is lost.
    store : RunStore, optional
        Where the run is recorded; the default store when not given.
    rule : RuleKnobs, optional
        Both knobs; the panel has its own when not given.

    Raises
    ------
    UnknownRunError
        If no run, or more than one, answers to the key.

    Notes
    -----
    A run that another process records is shown as it is written down, and cannot be stopped from here.

    Examples
    --------
    >>> from xlkit import Migration, SimBackend, start
    >>> handle = start(Migration("guest"), ThresholdPolicy(), SimBackend())
    >>> panel = WatchPanel(handle)
    >>> panel.wait(30).stop.status.value
    'completed'
    """

    def __init__(
        self,
        run: runner.RunHandle | str | int | None = None,
        *,
        backend: Any = None,
        store: RunStore | None = None,
        rule: RuleKnobs | None = None,
    ) -> None:
        self._store, self._backend = store, backend
        self._followed: Followed | None = None
        self._follower: threading.Thread | None = None
        self._going = False
        self._told_s, self._told_of = 0.0, 0
        self._ended: list[Callable[[Run | None], None]] = []
        # Callbacks come on whichever thread the kernel chooses, and the follower has its own.
        self.lock = threading.RLock()
        self.rule = rule or RuleKnobs()
        self.rule.observe(self._knob_moved)
        self.display = RunDisplay(self.rule.policy().min_remaining)
        self.buttons = Buttons(stop=self.stop_now, abort=self.abort, apply=self.apply_knobs)
        shown = self.display
        rows = [self.buttons.view, shown.progress, shown.status, shown.expected, shown.chart, shown.summary, page_ink()]
        self.view = ipywidgets.VBox(rows if rule is not None else [self.rule.view, *rows])
        self.view.add_class("xlkit-panel")
        self._enable()
        if run is not None:
            self.follow(run)

    @property
    def running(self) -> bool:
        """Whether the run that is shown is going on."""
        return self._going

    @property
    def run_id(self) -> str | None:
        """Name of the run that is shown; None before there is one."""
        return None if self._followed is None else self._followed.run_id

    def follow(self, run: runner.RunHandle | str | int) -> None:
        """Show a run from its first pass on; the one that was shown before goes on unseen.

        Parameters
        ----------
        run : RunHandle or str or int
            As for the panel itself.

        Raises
        ------
        UnknownRunError
            If no run, or more than one, answers to the key.
        """
        with self.lock:
            self._followed = run if isinstance(run, runner.RunHandle) else self._find(run)
            self._going = True
            self.display.begin(self._in_force().min_remaining, f"Run {self._followed.run_id}")
            self._enable()
            self._follower = threading.Thread(
                target=self._follow, args=(self._followed,), name="xlkit-panel", daemon=True
            )
            self._follower.start()

    def on_end(self, ended: Callable[[Run | None], None]) -> None:
        """Call a function when a run that is shown has ended.

        Parameters
        ----------
        ended : callable
            Takes the run; None where it failed. It is called from the panel's thread, under its lock.
        """
        self._ended.append(ended)

    def stop_now(self) -> None:
        """Go to stop-and-copy at the policy's next call; does nothing when no run is going on here."""
        if isinstance(self._followed, runner.RunHandle):
            self._followed.stop_now()

    def abort(self) -> None:
        """Give the migration up, the guest runs on at the source; does nothing when no run is going on here."""
        if isinstance(self._followed, runner.RunHandle):
            self._followed.abort()

    def apply_knobs(self) -> None:
        """Let the run that is going on follow the knobs as they are set now."""
        with self.lock:
            if self._going and isinstance(self._followed, runner.RunHandle):
                self._followed.set_policy(self.rule.policy())

    def wait(self, timeout_s: float | None = None) -> Run:
        """Wait until the run has ended and the panel shows it.

        Parameters
        ----------
        timeout_s : float, optional
            How long to wait at most [s]; for ever when not given.

        Returns
        -------
        Run
            The run as it was recorded.

        Raises
        ------
        PreflightError
            If no run is shown.
        TimeoutError
            If it goes on still; nothing happens to it.
        XlkitError
            What the run failed with.
        """
        if self._followed is None or self._follower is None:
            raise PreflightError("No run is shown. Launch one, or use follow().")
        self._follower.join(timeout_s)
        if self._follower.is_alive():
            raise TimeoutError(f"The run goes on after {timeout_s} s. Wait longer, or use stop_now() or abort().")
        return self._followed.wait()

    def close(self) -> None:
        """Take the panel off the page; the run goes on."""
        with self.lock:
            self._followed = None
            self.view.close()

    def __repr__(self) -> str:
        followed = self._followed
        if followed is None:
            return "WatchPanel(no run)"
        seen = followed.snapshot()
        return f"WatchPanel({seen.status}, {len(seen.iterations)} passes)"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        # The tree of widgets has random names in it; a line of facts is the same every time.
        return {**(self.view._repr_mimebundle_(**options) or {}), "text/plain": repr(self)}

    def _find(self, key: str | int) -> Followed:
        recorded = Recorded(key, self._store)
        lost = recorded.snapshot().status is Status.INCOMPLETE and _can_attach(self._backend)
        return runner.attach(recorded.run_id, self._backend, store=self._store) if lost else recorded

    def _in_force(self) -> ThresholdPolicy:
        policy = None if self._followed is None else self._followed.policy
        return policy if isinstance(policy, ThresholdPolicy) else self.rule.policy()

    def _enable(self) -> None:
        self.buttons.enable(enabled=self._going and isinstance(self._followed, runner.RunHandle))

    def _knob_moved(self, policy: ThresholdPolicy) -> None:
        with self.lock:
            in_force = not self._going or policy == self._in_force()
            self.display.propose(policy.min_remaining, in_force=in_force)

    def _follow(self, followed: Followed) -> None:
        begun_s, final = time.monotonic(), False
        self._told_s, self._told_of = begun_s - FORETELL_S, 0
        try:
            while not final and followed is self._followed:
                seen = followed.snapshot()
                final = seen.final
                with self.lock:
                    self.display.follow(seen, followed.policy, time.monotonic() - begun_s)
                if not final:
                    self._foretell(seen, followed.policy)
                # Passes that end faster than anybody can see are drawn together.
                time.sleep(0 if final else REFRESH_S)
        except Exception:  # noqa: BLE001 - a picture that fails is no reason to lose hold of the migration
            _log.exception("The panel could not draw the run %s; the migration goes on.", followed.run_id)
        if followed is self._followed:
            self._finish(followed)

    def _foretell(self, seen: runner.Snapshot, policy: Any) -> None:
        """Tell from the passes so far what is to come, where these are long enough for anybody to read it.

        It takes some tenths of a second of this process, which answers the policy's calls meanwhile: passes that end
        faster would wait for it.
        """
        now_s, passes = time.monotonic(), seen.iterations
        if seen.start is None or len(passes) < _FEWEST_PASSES or len(passes) == self._told_of:
            return
        if passes[-1].ended_s - passes[-1].begun_s < LONG_PASS_S or now_s - self._told_s < FORETELL_S:
            return
        self._told_of, self._told_s = len(passes), now_s
        begun = Run(start=seen.start, iterations=passes, stop=_GOING_ON)
        told = None
        with suppress(XlkitError):
            told = forecast(None, seen.start.migration, policy, begun=begun)
        with self.lock:
            if self._going:
                self.display.foretell(told)

    def _finish(self, followed: Followed) -> None:
        run, problem = None, ""
        try:
            run = followed.wait()
        except Exception as error:  # noqa: BLE001 - whatever ended the run is shown here, and raised by wait()
            problem = str(error)
        if run is not None and run.stop.status is Status.INCOMPLETE and self._attach_again(run):
            return
        with self.lock:
            self._going = False
            self._enable()
            if run is None:
                self.display.fail(problem)
            else:
                self.display.end(run)
            for ended in self._ended:
                ended(run)

    def _attach_again(self, lost: Run) -> bool:
        """Take up a run whose record broke off; the migration goes on at its host meanwhile."""
        if not _can_attach(self._backend):
            return False
        for attempt in range(1, TRIES + 1):
            with self.lock:
                self.display.say(f"{lost.stop.message} Attaching again, try {attempt} of {TRIES}.")
            time.sleep(AGAIN_S)
            try:
                handle = runner.attach(lost.run_id, self._backend, store=self._store)
                handle.wait_change(0, AGAIN_S)
            except XlkitError as error:
                _log.info("The run %s could not be attached to: %s", lost.run_id, error)
                continue
            if handle.status is Status.FAILED:
                continue
            with self.lock:
                self._followed = handle
            self._follow(handle)
            return True
        return False


def _can_attach(backend: Any) -> bool:
    return callable(getattr(backend, "attach", None))
