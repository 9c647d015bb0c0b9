"""A world by script: what is dirty is written down beforehand, and every call is written down as it comes."""

from collections.abc import Mapping
from dataclasses import dataclass

from xlkit.model import DowntimePart, Knowledge
from xlkit.protocols import HandOver
from xlkit.units import PAGE_BYTES


@dataclass(frozen=True, slots=True)
class ScriptedPages:
    """Pages that have a number, but no content.

    Parameters
    ----------
    pages : int
        How many [page of 4096 B].
    """

    pages: int


class ScriptedWorld:
    """A memory, a link and a clock for `xlkit.precopy` that do as they are told.

    Parameters
    ----------
    *dirty_pages : int
        Size of the memory, then what each reading of the dirty set finds [page of 4096 B].
    pass_s : float, default 1.0
        How long each pass takes; nothing else takes time [s].
    failures : mapping of str to BaseException, optional
        What a call raises instead, by its line in `log`.

    Attributes
    ----------
    log : list of str
        The calls in order, such as ``send 8000`` or ``send 12 paused``.

    Examples
    --------
    >>> world = ScriptedWorld(4096, 12)
    >>> world.send(world.all_pages(), final=False)
    16777216
    >>> world.log
    ['all_pages', 'send 4096']
    """

    def __init__(
        self, *dirty_pages: int, pass_s: float = 1.0, failures: Mapping[str, BaseException] | None = None
    ) -> None:
        self._script, self._pass_s, self._failures = list(dirty_pages), pass_s, dict(failures or {})
        self._now_s = 0.0
        self.log: list[str] = []

    def clock(self) -> float:
        """Tell the time since the start of the run [s]."""
        return self._now_s

    def all_pages(self) -> ScriptedPages:
        """Return the whole memory."""
        self._enter("all_pages")
        return self._next_pages()

    def collect_dirty(self) -> ScriptedPages:
        """Return what the script says is dirty now."""
        self._enter("collect_dirty")
        return self._next_pages()

    def pause(self) -> None:
        """Suspend the guest."""
        self._enter("pause")

    def resume(self) -> None:
        """Let the guest run on."""
        self._enter("resume")

    def send(self, pages: ScriptedPages, *, final: bool) -> int:
        """Take the pages, and the time of a pass."""
        self._enter(f"send {pages.pages} paused" if final else f"send {pages.pages}")
        self._now_s += self._pass_s
        return pages.pages * PAGE_BYTES

    def hand_over(self) -> HandOver:
        """Start the guest at the destination."""
        self._enter("hand_over")
        part = DowntimePart(name="resume", duration_s=0.0, knowledge=Knowledge.EXACT, clock="script")
        return HandOver(started_s=self._now_s, parts=(part,))

    def _enter(self, call: str) -> None:
        self.log.append(call)
        if call in self._failures:
            raise self._failures[call]

    def _next_pages(self) -> ScriptedPages:
        if not self._script:
            raise AssertionError("The script has no further dirty set: the loop went on for longer than expected.")
        return ScriptedPages(self._script.pop(0))
