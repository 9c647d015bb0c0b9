"""The settings of a launch as widgets, and what they stand for."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

import ipywidgets

from xlkit.engine.workload import HotCold, Idle, Sweep, Uniform, Workload, to_settings
from xlkit.errors import InvalidValueError
from xlkit.model import Migration, Run
from xlkit.panels.guide import explained
from xlkit.panels.knob import LABEL_WIDTH, Knob
from xlkit.panels.rule import RuleKnobs

BACKENDS: Final = {"local: a real guest process": "local", "sim: imagined, a virtual clock": "sim"}
_BACKEND_CLASSES: Final = {"local": "LocalBackend", "sim": "SimBackend"}
HOT_PAGES: Final = 500
WORKLOADS: Final[Mapping[str, Callable[[int], Workload]]] = {
    "hotcold": lambda rate_pages_s: HotCold(rate_pages_s=rate_pages_s, hot_pages=HOT_PAGES),
    "uniform": lambda rate_pages_s: Uniform(rate_pages_s=rate_pages_s),
    "sweep": lambda rate_pages_s: Sweep(rate_pages_s=rate_pages_s),
    "idle": lambda _: Idle(),
}
_WORKLOAD_TEXTS = {
    f"hotcold: 90 % go to {HOT_PAGES} pages": "hotcold",
    "uniform: spread over all pages": "uniform",
    "sweep: through the pages in order": "sweep",
    "idle: writes nothing": "idle",
}
SETTINGS: Final = (
    "backend", "workload", "min_remaining", "max_iters", "dirty_rate_pages_s", "memory_mib", "bandwidth_mbit_s",
)  # fmt: skip


class Controls:
    """Hold the settings of the next launch; each is a widget that code and mouse set alike.

    Parameters
    ----------
    **settings
        First values, as in `set`; those not given are in the panel's documentation.

    Raises
    ------
    InvalidValueError
        If a setting is unknown or out of range.
    """

    def __init__(self, **settings: Any) -> None:
        self.backend = _choice("backend", BACKENDS, "what drives the migrations")
        self.workload = _choice("workload", _WORKLOAD_TEXTS, "how the guest writes to its memory")
        self.rule = RuleKnobs()
        self.min_remaining, self.max_iters = self.rule.min_remaining, self.rule.max_iters
        self.dirty_rate_pages_s = Knob(
            "dirty rate", "pages/s", 10_000, (100, 200_000), smallest=0, hint="writes of the guest, each to one page"
        )
        self.memory_mib = Knob("memory", "MiB", 256, (16, 4096), largest=2**20, hint="size of the guest")
        self.bandwidth_mbit_s = Knob("bandwidth", "Mbit/s", 500, (50, 10_000), smallest=1, hint="of the link")
        self.view = self._view()
        self.set(**settings)

    def set(self, **settings: Any) -> None:
        """Set what the next launch uses, as the mouse would.

        Parameters
        ----------
        **settings
            `backend` ("local" or "sim"), `workload` ("hotcold", "uniform", "sweep" or "idle"), `min_remaining` [page],
            `max_iters`, `dirty_rate_pages_s` [page/s], `memory_mib` [MiB], `bandwidth_mbit_s` [Mbit/s].

        Raises
        ------
        InvalidValueError
            If a setting is unknown or out of range.
        """
        for name, value in settings.items():
            if name not in SETTINGS:
                raise InvalidValueError(f"A launch has no setting {name!r}. It has {', '.join(SETTINGS)}.")
            control = getattr(self, name)
            if isinstance(control, Knob):
                control.value = value
            else:
                _choose(name, control, value)

    def new_backend(self) -> Any:
        """Make the backend that is set, with a guest of its own.

        Returns
        -------
        Backend
            A `LocalBackend` or a `SimBackend`.
        """
        return make_backend(
            self.backend.value,
            memory_mib=self.memory_mib.value,
            bandwidth_mbit_s=self.bandwidth_mbit_s.value,
            workload=WORKLOADS[self.workload.value](self.dirty_rate_pages_s.value),
        )

    def command(self, migration: Migration) -> list[str]:
        """Build the command that does the same as a launch.

        Parameters
        ----------
        migration : Migration
            Which domain goes where.

        Returns
        -------
        list of str
            Its words.
        """
        policy = self.rule.policy()
        return [
            "xlkit", "migrate", "--backend", self.backend.value, "--memory", f"{self.memory_mib.value}MiB",
            "--bandwidth", f"{self.bandwidth_mbit_s.value}Mbit/s", "--workload", self.workload.value,
            "--dirty-rate", str(self.dirty_rate_pages_s.value), *self._hot_words(),
            "--min_remaining", str(policy.min_remaining), "--max_iters", str(policy.max_iters),
            migration.domain, migration.destination,
        ]  # fmt: skip

    def describes(self, run: Run) -> bool:
        """Tell whether a run was of the guest and link that are set, whatever its policy.

        Parameters
        ----------
        run : Run
            Any run.

        Returns
        -------
        bool
            Whether backend, memory, bandwidth and workload are those of the controls.
        """
        settings, workload = run.start.setup.settings, WORKLOADS[self.workload.value](self.dirty_rate_pages_s.value)
        return (
            run.start.backend == self.backend.value
            and settings.get("memory_bytes") == self.memory_mib.value * 2**20
            and settings.get("bandwidth_bytes_s") == self.bandwidth_mbit_s.value * 1e6 / 8
            and settings.get("workload") == to_settings(workload)
        )

    def observe(self, changed: Callable[[], None]) -> None:
        """Call a function whenever anything is set.

        Parameters
        ----------
        changed : callable
            Takes nothing.
        """
        for name in SETTINGS:
            control = getattr(self, name)
            (control.box if isinstance(control, Knob) else control).observe(lambda _: changed(), "value")

    def _hot_words(self) -> list[str]:
        return ["--hot-pages", str(HOT_PAGES)] if self.workload.value == "hotcold" else []

    def disable(self, *, disabled: bool) -> None:
        """Lock or unlock what holds for a whole run; both knobs of the policy stay free.

        Parameters
        ----------
        disabled : bool
            Whether they are locked.
        """
        self.backend.disabled = self.workload.disabled = disabled
        for knob in (self.dirty_rate_pages_s, self.memory_mib, self.bandwidth_mbit_s):
            knob.disable(disabled=disabled)

    def _view(self) -> ipywidgets.Box:
        guest = ipywidgets.VBox(
            [
                ipywidgets.HTML("<b>Guest and link</b>"), explained(self.backend, "backend"),
                explained(self.workload, "workload"),
                self.dirty_rate_pages_s.view, self.memory_mib.view, self.bandwidth_mbit_s.view,
            ]
        )  # fmt: skip
        return ipywidgets.Box([self.rule.view, guest], layout={"flex_flow": "row wrap"})


def make_backend(name: str, *, memory_mib: int, bandwidth_mbit_s: int, workload: Workload) -> Any:
    """Make an embedded backend with a guest of its own.

    Parameters
    ----------
    name : str
        "local" or "sim".
    memory_mib : int
        Size of the guest [MiB].
    bandwidth_mbit_s : int
        Bandwidth of the link [Mbit/s].
    workload : Workload
        How the guest writes.

    Returns
    -------
    Backend
        A `LocalBackend`, which whoever made it must close, or a `SimBackend`.

    Raises
    ------
    InvalidValueError
        If there is no such backend.
    """
    if name not in _BACKEND_CLASSES:
        raise InvalidValueError(f"backend must be one of {', '.join(_BACKEND_CLASSES)}, not {name!r}.")
    # Imported where one is made: a panel on the simulator must not ask for the engine's system.
    home = import_module(f"xlkit.backends.{name}")
    return getattr(home, _BACKEND_CLASSES[name])(
        memory=f"{memory_mib}MiB", bandwidth=f"{bandwidth_mbit_s}Mbit/s", workload=workload
    )


def _choice(name: str, texts: Mapping[str, str], hint: str) -> ipywidgets.Dropdown:
    return ipywidgets.Dropdown(
        options=list(texts.items()),
        description=name,
        tooltip=hint,
        style={"description_width": LABEL_WIDTH},
        layout={"width": "35.5em"},
    )


def _choose(name: str, choice: ipywidgets.Dropdown, value: object) -> None:
    values = [one for _, one in choice.options]
    if value not in values:
        raise InvalidValueError(f"{name} must be one of {', '.join(values)}, not {value!r}.")
    choice.value = value
