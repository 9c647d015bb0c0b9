"""Backends from the settings of a plan's workloads; which kinds there are is handed in."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from xlkit.engine.workload import from_settings
from xlkit.errors import InvalidValueError
from xlkit.experiments._plan import Plan
from xlkit.experiments._reading import check_keys
from xlkit.protocols import Backend


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes a fresh backend for each run, in this process or another.

    Parameters
    ----------
    kind : callable
        A backend's class, or a function that makes one; importable, so that another process finds it.
    settings : mapping
        Its keyword arguments; ``workload`` may be plain data such as ``{"name": "uniform", "rate_pages_s": 1000}``.

    Examples
    --------
    >>> Maker(dict, {"memory": "64MiB"})(seed=7)
    {'memory': '64MiB'}
    """

    kind: Callable[..., Any]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, seed: int) -> Any:
        """Make one; a kind that takes no seed is given none."""
        settings = dict(self.settings)
        if isinstance(settings.get("workload"), Mapping):
            settings["workload"] = from_settings(settings["workload"])
        return self.kind(**settings, **({"seed": seed} if "seed" in _parameters(self.kind) else {}))

    @classmethod
    def for_plan(cls, plan: Plan, **kinds: Callable[..., Backend]) -> "dict[str, Maker]":
        """Make the makers of a plan whose workloads name their backend.

        Parameters
        ----------
        plan : Plan
            Each of its workloads has ``backend`` and that backend's settings.
        **kinds : callable
            Backends by name, such as ``sim=SimBackend``.

        Returns
        -------
        dict of str to Maker
            By workload, as `sweep` takes them; each has made one backend, to see that it can.

        Raises
        ------
        InvalidValueError
            If a workload cannot be made; the message names the key.
        """
        workloads = cast("Mapping[str, Mapping[str, Any]]", plan.workloads)
        return {name: cls._for_workload(name, settings, kinds) for name, settings in workloads.items()}

    @classmethod
    def _for_workload(
        cls, name: str, settings: Mapping[str, Any], kinds: Mapping[str, Callable[..., Backend]]
    ) -> "Maker":
        rest = dict(settings)
        backend = rest.pop("backend", None)
        if backend not in kinds:
            raise InvalidValueError(f"workloads.{name}.backend must be one of {', '.join(kinds)}, not {backend!r}.")
        takes = [one for one in _parameters(kinds[backend]) if one != "seed"]
        check_keys(f"workloads.{name} ({backend})", rest, takes)
        maker = cls(kinds[backend], rest)
        try:
            maker(seed=1)
        except (TypeError, ValueError, KeyError) as error:
            raise InvalidValueError(f"workloads.{name}: {error}") from error
        return maker


def _parameters(kind: Callable[..., Any]) -> list[str]:
    try:
        return list(inspect.signature(kind).parameters)
    except ValueError:
        return []
