"""The launch panel: set both knobs, start a real migration, watch it, stop or abort it."""

import asyncio
from contextlib import suppress
from typing import Any, Self

import ipywidgets

from xlkit import runner
from xlkit.errors import PreflightError, XlkitError
from xlkit.model import Migration, Run
from xlkit.panels.buttons import button
from xlkit.panels.controls import Controls
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
        store: RunStore | None = None,
        **settings: Any,
    ) -> None:
        self._migration = Migration(domain, destination)
        self._store = store
        self._given = None if isinstance(backend, str) else backend
        self.controls = Controls(**settings, **({"backend": backend} if isinstance(backend, str) else {}))
        self._made: Any = None
        self._runs: list[Run] = []
        self.watch = WatchPanel(backend=self._given, store=store, rule=self.controls.rule)
        self.watch.on_end(self._over)
        self.button = button("Launch", "play", "primary", "start a migration with these settings", self._clicked)
        self.button.add_class("xlkit-launch")
        self.watch.buttons.row.children = (self.button, *self.watch.buttons.row.children)
        knobs = self.controls.rule.view if self._given is not None else self.controls.view
        self.view = ipywidgets.VBox([knobs, self.watch.view])
        self.view.add_class("xlkit-panel")

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

    def _lock(self, *, locked: bool) -> None:
        self.button.disabled = locked
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
