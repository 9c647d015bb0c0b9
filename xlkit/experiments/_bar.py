"""A progress bar for whoever sits in front of a notebook or a terminal."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from xlkit.experiments._result import Progress

if TYPE_CHECKING:
    from tqdm.std import tqdm


def bar_of(name: str) -> Callable[[Progress], None]:
    """Make what draws a bar: runs done and left, the time left, and what runs now.

    Parameters
    ----------
    name : str
        What stands before it.

    Returns
    -------
    callable
        Takes each `Progress`; draws nothing where nobody looks, as in a pipe or a log file.
    """
    return _Bar(name) if _is_notebook() or sys.stderr.isatty() else lambda _: None


class _Bar:
    def __init__(self, name: str) -> None:
        self._name = name
        self._bar: tqdm[Any] | None = None

    def __call__(self, now: Progress) -> None:
        bar = self._bar = self._bar or self._drawn()
        bar.total, bar.n = now.done + now.left, now.done
        # The time left is the experiment's own, from runs of the same cells; a mean over all would be off.
        left = "" if now.left_s is None or not now.left else f", {bar.format_interval(now.left_s)} left"
        failed = f", {now.failed} failed" if now.failed else ""
        bar.set_postfix_str(f"{_what(now)}{failed}{left}", refresh=False)
        bar.refresh()
        if now.planned is None:
            bar.close()

    def _drawn(self) -> "tqdm[Any]":
        from tqdm.auto import tqdm

        return tqdm(desc=self._name, unit="run", bar_format="{desc}: {bar} {n_fmt}/{total_fmt} runs{postfix}")


def _what(now: Progress) -> str:
    if now.planned is None:
        return "ended"
    return now.planned.cell.name


def _is_notebook() -> bool:
    shell = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None else None
    return running is not None and "IPKernelApp" in running.config
