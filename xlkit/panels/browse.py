"""The browse panel: find runs, pick several, see what differed, compare them, replay them, write a report."""

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

import ipywidgets

from xlkit import frames, replays, units, views
from xlkit.errors import XlkitError
from xlkit.model import Run
from xlkit.panels.buttons import button, page_ink
from xlkit.panels.guide import explained
from xlkit.panels.rule import RuleKnobs
from xlkit.policies import to_text
from xlkit.store import Remark, RunHead, RunStore, Searcher
from xlkit.views.facts import labels
from xlkit.views.tables import asked_tables

MOST_LISTED: Final = 200
ORDERS: Final[dict[str, Callable[[RunHead], Any]]] = {
    "latest first": lambda head: head.run_id,
    "longest downtime first": lambda head: head.stop.downtime_s or 0.0,
    "longest run first": lambda head: head.stop.ended_s or 0.0,
    "most passes first": lambda head: head.n_iterations,
}


class BrowsePanel:
    """Find recorded runs and look at several at once; whatever a mouse can do here, code can do, too.

    Parameters
    ----------
    store : RunStore, optional
        Where the runs are recorded; the default store when not given.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> BrowsePanel(RunStore(mkdtemp()))
    BrowsePanel(0 of 0 runs, 0 picked)
    """

    def __init__(self, store: RunStore | None = None) -> None:
        self.store = RunStore() if store is None else store
        self.text = ipywidgets.Text(
            placeholder="words, or field:word, such as status:failed", description="filter",
            tooltip="words that must all occur in a run; field:word asks one field", layout={"width": "30em"},
        )  # fmt: skip
        self.order = ipywidgets.Dropdown(options=list(ORDERS), description="order", tooltip="what comes first")
        self.listed = ipywidgets.SelectMultiple(
            rows=10, layout={"width": "auto"}, tooltip="pick several runs with Ctrl or Shift"
        )
        self.found, self.said = ipywidgets.HTML(), ipywidgets.HTML()
        self.shown = ipywidgets.Output()
        self.rule = RuleKnobs(title="Rule of the replay")
        self.tags = ipywidgets.Text(description="tags", tooltip="words to find the picked runs by")
        self.note = ipywidgets.Text(description="note", tooltip="free text on the picked runs")
        self.buttons = {
            "refresh": button("Look again", "refresh", "", "read the store again", self.refresh),
            "settings": button("Settings", "list", "", "what differed between the picked runs", self.settings),
            "compare": button("Compare", "bar-chart", "primary", "table and figures of the picked runs", self.compare),
            "replay": button("Replay", "repeat", "", "the picked runs under the rule that is set here", self.replay),
            "report": button("Report", "file", "", "write a page about the picked runs", self._report),
            "remark": button("Save remarks", "tag", "", "tags and note of the picked runs", self._save_remarks),
        }
        self.text.observe(lambda _: self._list(), "value")
        self.order.observe(lambda _: self._list(), "value")
        self.listed.observe(lambda _: self._picked(), "value")
        self._searcher = Searcher((), {})
        self._remarks: dict[str, Remark] = {}
        self.view = self._view()
        self.refresh()

    @property
    def picked(self) -> list[str]:
        """Names of the runs that are picked, in the order of the list."""
        chosen = set(self.listed.value)
        return [run_id for _, run_id in self.listed.options if run_id in chosen]

    @property
    def runs(self) -> list[Run]:
        """The runs that are picked."""
        return [self.store[run_id] for run_id in self.picked]

    def refresh(self) -> None:
        """Read the store again."""
        self._remarks = self.store.remarks()
        self._searcher = Searcher(self.store.heads(), self._remarks)
        self._list()

    def filter(self, text: str) -> list[str]:
        """List the runs in which words occur.

        Parameters
        ----------
        text : str
            As `RunStore.search` takes it.

        Returns
        -------
        list of str
            Names of the runs that are listed now, at most 200.
        """
        self.text.value = text
        return [run_id for _, run_id in self.listed.options]

    def pick(self, *run_ids: str) -> None:
        """Pick runs that are listed, as the mouse would.

        Parameters
        ----------
        *run_ids : str
            Their names; all that are listed when none is given.
        """
        listed = [run_id for _, run_id in self.listed.options]
        self.listed.value = tuple(run_ids or listed)

    def settings(self) -> str:
        """Show in what the picked runs differed, and fold away what was the same.

        Returns
        -------
        str
            The tables, as HTML.
        """
        runs = self.runs
        return self._show(asked_tables(runs, labels(runs)) if runs else "")

    def compare(self) -> Any:
        """Show what the picked runs cost, and their passes over one another.

        Returns
        -------
        pandas.DataFrame
            The table of `xlkit.frames.compare`.
        """
        runs = self.runs
        table = frames.compare(*runs)
        self._show(_html(table), views.plot_costs(*runs), views.plot_compare(*runs)) if runs else self._show("")
        return table

    def replay(self) -> Any:
        """Show how the picked runs would have ended under the rule that is set here.

        Returns
        -------
        pandas.DataFrame
            The table of `xlkit.replay_grid`.
        """
        policy = self.rule.policy()
        table = replays.replay_grid(self.runs, [policy.min_remaining], [policy.max_iters])
        self._show(_html(table) if len(table) else "")
        return table

    def report(self, path: str | Path) -> Path:
        """Write a page about the picked runs that opens with no network.

        Parameters
        ----------
        path : str or pathlib.Path
            The file; one that exists is replaced.

        Returns
        -------
        pathlib.Path
            The file that was written.

        Raises
        ------
        StoreError
            If it cannot be written.
        """
        written = views.write(views.report(self.runs), path)
        self._say(f"Wrote {written}.")
        return written

    def remark(self, *, tags: Sequence[str] | None = None, note: str | None = None) -> None:
        """Say something of the picked runs, kept beside their records.

        Parameters
        ----------
        tags : sequence of str, optional
            Words to find them by; those before stay when not given.
        note : str, optional
            Free text; that before stays when not given.

        Raises
        ------
        InvalidValueError
            If a tag is no single word.
        """
        picked = self.picked
        for run_id in picked:
            self.store.remark(run_id, tags=tags, note=note)
        self.refresh()
        self.pick(*picked)
        self._say(f"Saved for {len(picked)} runs.")

    def close(self) -> None:
        """Take the panel off the page."""
        self.view.close()

    def __repr__(self) -> str:
        listed, known = len(self.listed.options), len(self._searcher.heads)
        return f"BrowsePanel({listed} of {known} runs, {len(self.listed.value)} picked)"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        return {**(self.view._repr_mimebundle_(**options) or {}), "text/plain": repr(self)}

    def _view(self) -> ipywidgets.VBox:
        for name, one in self.buttons.items():
            one.add_class(f"xlkit-{name}")
        self.text.add_class("xlkit-filter")
        self.listed.add_class("xlkit-listed")
        self.shown.add_class("xlkit-shown")
        wrap = {"flex_flow": "row wrap"}
        search = ipywidgets.Box(
            [explained(self.text, "filter"), explained(self.order, "order"), self.buttons["refresh"]], layout=wrap
        )
        actions = [self.buttons[name] for name in ("settings", "compare", "replay", "report")]
        remarks = ipywidgets.Box(
            [explained(self.tags, "tags"), explained(self.note, "note"), self.buttons["remark"]], layout=wrap
        )
        view = ipywidgets.VBox(
            [search, self.found, self.listed, ipywidgets.Box(actions, layout=wrap), self.rule.view, remarks, self.said,
             self.shown, page_ink()]
        )  # fmt: skip
        view.add_class("xlkit-panel")
        return view

    def _list(self) -> None:
        try:
            found = self._searcher.search(self.text.value)
        except XlkitError as error:
            self.found.value = f'<div role="status">{escape(str(error))}</div>'
            return
        found.sort(key=ORDERS[self.order.value], reverse=True)
        kept = set(self.listed.value)
        listed = found[:MOST_LISTED]
        self.listed.options = [(_line(head, self._remarks.get(head.run_id)), head.run_id) for head in listed]
        self.listed.value = tuple(head.run_id for head in listed if head.run_id in kept)
        more = f"; the first {MOST_LISTED} are listed" if len(found) > MOST_LISTED else ""
        known = len(self._searcher.heads)
        self.found.value = f'<div role="status">{len(found):,} of {known:,} runs{more}.</div>'

    def _picked(self) -> None:
        remarks = [self._remarks.get(run_id, Remark()) for run_id in self.listed.value]
        if len({(one.tags, one.note) for one in remarks}) == 1:
            self.tags.value, self.note.value = " ".join(remarks[0].tags), remarks[0].note

    def _show(self, table: str, *figures: Any) -> str:
        self._say("" if table else "Pick runs in the list first.")
        self.shown.outputs = tuple(
            {"output_type": "display_data", "data": data, "metadata": {}}
            for data in ({"text/html": table}, *(figure.to_mimebundle() for figure in figures))
        )
        return table

    def _say(self, sentence: str) -> None:
        self.said.value = f'<div role="status">{escape(sentence)}</div>'

    def _told(self, action: Callable[[], Any]) -> None:
        try:
            action()
        except XlkitError as error:  # a click has no caller to raise it to
            self._say(str(error))

    def _report(self) -> None:
        self._told(lambda: self.report("xlkit-report.html") if self.picked else self._show(""))

    def _save_remarks(self) -> None:
        self._told(lambda: self.remark(tags=self.tags.value.split(), note=self.note.value))


def _line(head: RunHead, remark: Remark | None) -> str:
    stop = head.stop
    facts = [
        f"{head.start.started_at:%Y-%m-%d %H:%M:%S}",
        f"{head.start.backend} ({head.start.origin})",
        head.start.migration.domain,
        to_text(head.start.policy),
        f"{stop.status}, {stop.stop_reason}",
        f"{head.n_iterations} passes",
        f"downtime {units.format_s(stop.downtime_s)}",
    ]
    return " · ".join([*facts, *(f"#{tag}" for tag in (remark.tags if remark else ()))])


def _html(table: Any) -> str:
    shown = table.dropna(axis="columns", how="all").round(4).to_html(index=False, na_rep="unknown", border=0)
    return f'<div style="overflow-x: auto">{shown}</div>'
