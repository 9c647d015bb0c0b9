"""The launch panel: set both knobs, start a real migration, watch it, stop or abort it."""

import asyncio
import shlex
from collections.abc import Callable
from contextlib import suppress
from html import escape
from typing import Any, Self

import ipywidgets

from xlkit import runner
from xlkit.advice import Advice, advise
from xlkit.errors import InvalidValueError, PreflightError, XlkitError
from xlkit.model import Migration, Run, Setup
from xlkit.panels.buttons import button
from xlkit.panels.controls import Controls
from xlkit.panels.knob import Knob
from xlkit.panels.watch import WatchPanel
from xlkit.protocols import Backend
from xlkit.store import RunStore


class LaunchPanel:
    """Launch migrations from a notebook; whatever a mouse can do here, code can do, too.

    A cell that ends with the panel shows it. Without a page to show it on, everything works alike.

    Parameters
    ----------
    backend : str or Backend, default "local"
        What drives the migrations: "local" (a real guest process on this machine), "sim" (virtual clock), or a backend
        of your own, which then holds the settings of guest and link.
    domain : str, default "guest"
        Name of the guest, as recorded.
    destination : str, default "localhost"
        Host that takes the guest over, as recorded.
    source : str, default "localhost"
        Host that gives the guest away, as recorded.
    store : RunStore, optional
        Where the runs are recorded; the default store when not given.
    **settings
        First values of the controls: `workload`, `min_remaining` [page], `max_iters`, `dirty_rate_pages_s` [page/s],
        `memory_mib` [MiB], `bandwidth_mbit_s` [Mbit/s].

    Raises
    ------
    InvalidValueError
        If a setting is unknown or out of range.

    Notes
    -----
    A run has a thread of its own; a second one shows it, ten times a second at most, so that drawing never holds up a
    pass. Launching again ends the guest of the launch before.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> panel = LaunchPanel(backend="sim", min_remaining=500, store=RunStore(mkdtemp()))
    >>> handle = panel.launch()
    >>> panel.wait(30).stop.stop_reason.value
    'min_remaining'
    """

    def __init__(
        self,
        *,
        backend: str | Backend = "local",
        domain: str = "guest",
        destination: str = "localhost",
        source: str = "localhost",
        store: RunStore | None = None,
        **settings: Any,
    ) -> None:
        self._migration = Migration(domain, destination, source=source)
        self._store = store
        self._given = None if isinstance(backend, str) else backend
        self.controls = Controls(**settings, **({"backend": backend} if isinstance(backend, str) else {}))
        self._made: Any = None
        self._runs: list[Run] = []
        self.watch = WatchPanel(backend=self._given, store=store, rule=self.controls.rule)
        self.watch.on_end(self._over)
        self.button = button("Launch", "play", "primary", "start a migration with these settings", self._clicked)
        self.button.add_class("xlkit-launch")
        self.budget = Knob("pause budget", "ms", 300, (1, 10_000), hint="how long the guest may stand still")
        self.extra = {
            "propose": button("Propose knobs", "lightbulb-o", "", "knobs that keep the budget, by earlier runs",
                              lambda: self._told(self.propose)),
            "dry_run": button("Dry run", "check", "", "what would fail? starts nothing",
                              lambda: self._told(self.dry_run)),
        }  # fmt: skip
        self.advice, self.line = ipywidgets.HTML(), ipywidgets.HTML()
        self.controls.observe(self._show_line)
        self.view = self._view()
        self._show_line()

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs that this panel launched and that have ended, the latest last."""
        with self.watch.lock:
            return tuple(self._runs)

    @property
    def running(self) -> bool:
        """Whether a migration that was launched here is going on."""
        return self.watch.running

    def set(self, **settings: Any) -> None:
        """Set what the next launch uses.

        Parameters
        ----------
        **settings
            As for the panel itself.

        Raises
        ------
        InvalidValueError
            If a setting is unknown or out of range.
        """
        with self.watch.lock:
            self.controls.set(**settings)

    def launch(self) -> runner.RunHandle:
        """Start a migration with what is set, and return at once.

        Returns
        -------
        RunHandle
            The run that is going on.

        Raises
        ------
        PreflightError
            If a migration is going on already, or this one would fail; nothing was started.
        InvalidValueError
            If what is set does not fit together.
        """
        with self.watch.lock:
            if self.running:
                raise PreflightError(
                    "A migration is going on here: wait for its end, stop it or abort it, then launch."
                )
            try:
                handle = runner.start(self._migration, self.controls.rule.policy(), self._backend(), store=self._store)
            except XlkitError as error:
                self.watch.display.fail(str(error))
                raise
            self._lock(locked=True)
            self.watch.follow(handle)
            return handle

    @property
    def command(self) -> str:
        """The line that does the same as a launch would, for a shell."""
        policy = self.controls.rule.policy()
        if self._given is None:
            return shlex.join(self.controls.command(self._migration))
        if hasattr(self._given, "command"):
            return shlex.join(self._given.command(self._migration, policy))
        return f"run({self._migration}, {policy}, {self._given.name})"

    def dry_run(self) -> Setup:
        """Find out what would fail, and start nothing.

        Returns
        -------
        Setup
            What the backend found.

        Raises
        ------
        PreflightError
            If a migration would fail.
        """
        backend = self._given or self.controls.new_backend()
        try:
            setup: Setup = backend.preflight(self._migration)
        finally:
            if self._given is None and hasattr(backend, "close"):
                backend.close()
        self.watch.display.say(
            f"Nothing was started. It would work: policy applied as {setup.applied}, numbers {setup.origin}, "
            f"times by the {setup.clock}."
        )
        return setup

    def propose(self, budget_ms: int | None = None) -> Advice:
        """Set both knobs to what keeps a pause budget, by earlier runs of the guest as it is set here.

        Parameters
        ----------
        budget_ms : int, optional
            How long the guest may stand still [ms]; that of the knob when not given.

        Returns
        -------
        Advice
            What the knobs rest on and what they cost. Where no knobs keep the budget they stay as they are, and it
            tells what would help.

        Raises
        ------
        InvalidValueError
            If there is no earlier run of this guest to learn from.
        """
        if budget_ms is not None:
            self.budget.value = budget_ms
        store = RunStore() if self._store is None else self._store
        alike = [run for run in store.find(domain=self._migration.domain, complete=True) if self._is_alike(run)]
        if not alike:
            raise InvalidValueError("No earlier run of this guest is recorded: launch it once, then ask for knobs.")
        advice = advise(alike, self._migration, downtime_s=self.budget.value / 1000)
        if advice.min_remaining is not None:
            self.set(min_remaining=advice.min_remaining, max_iters=advice.max_iters)
        self.advice.value = advice._repr_html_()
        return advice

    def stop_now(self) -> None:
        """Go to stop-and-copy at the policy's next call; does nothing when no migration is going on."""
        self.watch.stop_now()

    def abort(self) -> None:
        """Give the migration up, the guest runs on at the source; does nothing when no migration is going on."""
        self.watch.abort()

    def apply_knobs(self) -> None:
        """Let the migration that is going on follow the knobs as they are set now."""
        self.watch.apply_knobs()

    def wait(self, timeout_s: float | None = None) -> Run:
        """Wait until the migration has ended and the panel shows it.

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
            If nothing was launched.
        TimeoutError
            If it goes on still; nothing happens to it.
        MigrationError
            If the migration failed.
        """
        return self.watch.wait(timeout_s)

    async def wait_async(self) -> Run:
        """Wait as `wait` does, while the buttons stay alive: ``await panel.wait_async()``.

        Returns
        -------
        Run
            The run as it was recorded.

        Raises
        ------
        PreflightError
            If nothing was launched.
        MigrationError
            If the migration failed.
        """
        return await asyncio.to_thread(self.watch.wait)

    def close(self) -> None:
        """Abort what is going on, end the guests that were started here, and take the panel off the page."""
        self.abort()
        with suppress(XlkitError):
            self.watch.wait()
        with self.watch.lock:
            self._end_made()
            self.watch.close()
            self.view.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self.watch).replace("WatchPanel", "LaunchPanel").replace("no run", "nothing launched")

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        # The tree of widgets has random names in it; a line of facts is the same every time.
        return {**(self.view._repr_mimebundle_(**options) or {}), "text/plain": repr(self)}

    def _view(self) -> ipywidgets.VBox:
        for name, one in self.extra.items():
            one.add_class(f"xlkit-{name}")
        self.line.add_class("xlkit-command")
        row = self.watch.buttons.row
        row.children = (self.button, self.extra["dry_run"], *row.children)
        knobs = self.controls.rule if self._given is not None else self.controls
        budget = ipywidgets.Box([self.budget.view, self.extra["propose"]], layout={"flex_flow": "row wrap"})
        view = ipywidgets.VBox([knobs.view, budget, self.advice, self.line, self.watch.view])
        view.add_class("xlkit-panel")
        return view

    def _show_line(self) -> None:
        self.line.value = f"As a command: <code>{escape(self.command)}</code>"

    def _is_alike(self, run: Run) -> bool:
        """Tell whether a run was of the guest and link that are set, or of the backend that was given."""
        if self._given is not None:
            return bool(run.start.backend == self._given.name)
        return self.controls.describes(run)

    def _told(self, action: Callable[[], Any]) -> None:
        # The status line tells it, and a click has no caller to raise it to.
        try:
            action()
        except XlkitError as error:
            self.watch.display.say(str(error))

    def _lock(self, *, locked: bool) -> None:
        self.button.disabled = self.extra["dry_run"].disabled = locked
        self.controls.disable(disabled=locked)

    def _over(self, run: Run | None) -> None:
        self._lock(locked=False)
        if run is not None:
            self._runs.append(run)

    def _clicked(self) -> None:
        # The status line tells it, and a click has no caller to raise it to.
        with suppress(XlkitError):
            self.launch()

    def _backend(self) -> Any:
        if self._given is not None:
            return self._given
        self._end_made()
        self._made = self.controls.new_backend()
        return self._made

    def _end_made(self) -> None:
        if self._made is not None:
            self._made.close()
            self._made = None
