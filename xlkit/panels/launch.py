"""The launch panel: set both knobs, start a real migration, watch it, stop or abort it."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

import ipywidgets

from xlkit import runner
from xlkit.errors import PreflightError, XlkitError
from xlkit.model import Migration, Run
from xlkit.panels.controls import Controls
from xlkit.panels.display import RunDisplay
from xlkit.policies import XEN_MAX_ITERS
from xlkit.protocols import Backend
from xlkit.store import RunStore
from xlkit.views.template import figure_style

REFRESH_S = 0.1

_log = logging.getLogger("xlkit.panels")


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
        self._handle: runner.RunHandle | None = None
        self._follower: threading.Thread | None = None
        self._running = False
        self._runs: list[Run] = []
        # Callbacks come on whichever thread the kernel chooses, and the follower has its own.
        self._ui = threading.RLock()
        self.display = RunDisplay(self.controls.policy().min_remaining)
        self.controls.min_remaining.observe(self._knob_moved)
        self.buttons = {
            "launch": _button("Launch", "play", "primary", "start a migration with these settings", self._clicked),
            "stop": _button("Stop now", "step-forward", "", "end precopy at the policy's next call", self.stop_now),
            "abort": _button("Abort", "times", "danger", "give up; the guest runs on at the source", self.abort),
            "apply": _button(
                "Apply knobs", "sliders", "", "let this run follow both knobs from here on", self.apply_knobs
            ),
        }
        self.view = self._view()
        self._enable()

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs that this panel launched and that have ended, the latest last."""
        with self._ui:
            return tuple(self._runs)

    @property
    def running(self) -> bool:
        """Whether a migration that was launched here is going on."""
        return self._running

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
        with self._ui:
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
        with self._ui:
            if self._running:
                raise PreflightError(
                    "A migration is going on here: wait for its end, stop it or abort it, then launch."
                )
            policy = self.controls.policy()
            try:
                handle = runner.start(self._migration, policy, self._backend(), store=self._store)
            except XlkitError as error:
                self.display.fail(str(error))
                raise
            self._handle, self._running = handle, True
            self.display.begin(policy.min_remaining, f"Migration of {self._migration.domain}")
            self._enable()
            self._follower = threading.Thread(target=self._follow, args=(handle,), name="xlkit-panel", daemon=True)
            self._follower.start()
            return handle

    def stop_now(self) -> None:
        """Go to stop-and-copy at the policy's next call; does nothing when no migration is going on."""
        if self._handle is not None:
            self._handle.stop_now()

    def abort(self) -> None:
        """Give the migration up, the guest runs on at the source; does nothing when no migration is going on."""
        if self._handle is not None:
            self._handle.abort()

    def apply_knobs(self) -> None:
        """Let the migration that is going on follow the knobs as they are set now."""
        with self._ui:
            if self._handle is not None and self._running:
                policy = self.controls.policy()
                self._handle.set_policy(policy)
                self.display.chart.min_remaining = policy.min_remaining

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
        handle, follower = self._launched()
        follower.join(timeout_s)
        if follower.is_alive():
            raise TimeoutError(f"The migration goes on after {timeout_s} s. Wait longer, or use stop_now() or abort().")
        return handle.wait()

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
        handle, follower = self._launched()
        await asyncio.to_thread(follower.join)
        return handle.wait()

    def close(self) -> None:
        """Abort what is going on, end the guests that were started here, and take the panel off the page."""
        self.abort()
        if self._follower is not None:
            self._follower.join()
        with self._ui:
            self._end_made()
            self.view.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        with self._ui:
            if self._handle is None:
                return "LaunchPanel(nothing launched)"
            seen = self._handle.snapshot()
            return f"LaunchPanel({seen.status}, {len(seen.iterations)} passes)"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        # The tree of widgets has random names in it; a line of facts is the same every time.
        return {**(self.view._repr_mimebundle_(**options) or {}), "text/plain": repr(self)}

    def _view(self) -> ipywidgets.VBox:
        shown = self.display
        for name, button in self.buttons.items():
            button.add_class(f"xlkit-{name}")
        buttons = ipywidgets.Box([*self.buttons.values()], layout={"flex_flow": "row wrap"})
        rows = [buttons, shown.progress, shown.status, shown.chart, shown.summary, _page_ink()]
        view = ipywidgets.VBox(rows if self._given is not None else [self.controls.view, *rows])
        view.add_class("xlkit-panel")
        return view

    def _enable(self) -> None:
        for name, button in self.buttons.items():
            button.disabled = self._running if name == "launch" else not self._running
        self.controls.disable(disabled=self._running)

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

    def _launched(self) -> tuple[runner.RunHandle, threading.Thread]:
        if self._handle is None or self._follower is None:
            raise PreflightError("Nothing was launched. Use launch(), or the button.")
        return self._handle, self._follower

    def _knob_moved(self, _: int) -> None:
        with self._ui:
            if not self._running:
                self.display.chart.min_remaining = self.controls.policy().min_remaining

    def _follow(self, handle: runner.RunHandle) -> None:
        begun_s, final = time.monotonic(), False
        try:
            while not final:
                final = handle.snapshot().final
                with self._ui:
                    self.display.follow(handle.iterations, _max_iters(handle), time.monotonic() - begun_s)
                # Passes that end faster than anybody can see are drawn together.
                time.sleep(0 if final else REFRESH_S)
        except Exception:  # noqa: BLE001 - a picture that fails is no reason to lose hold of the migration
            _log.exception("The panel could not draw the run %s; the migration goes on.", handle.run_id)
        self._finish(handle)

    def _finish(self, handle: runner.RunHandle) -> None:
        run, problem = None, ""
        try:
            run = handle.wait()
        except Exception as error:  # noqa: BLE001 - whatever ended the run is shown here, and raised by wait()
            problem = str(error)
        with self._ui:
            self._running = False
            self._enable()
            if run is None:
                self.display.fail(problem)
            else:
                self._runs.append(run)
                self.display.end(run)


def _button(text: str, icon: str, style: str, hint: str, pressed: Callable[[], Any]) -> ipywidgets.Button:
    button = ipywidgets.Button(description=text, icon=icon, button_style=style, tooltip=hint)
    button.on_click(lambda _: pressed())
    return button


def _page_ink() -> ipywidgets.HTML:
    # A figure below the panel cannot know the theme of the notebook; with this it follows even a change of it.
    return ipywidgets.HTML(
        f"<style>{figure_style('var(--jp-ui-font-color1, #767676)')}</style>", layout={"display": "none"}
    )


def _max_iters(handle: runner.RunHandle) -> int:
    return int(getattr(handle.policy, "max_iters", XEN_MAX_ITERS))
