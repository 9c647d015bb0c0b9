"""The bar that shows what is left of an experiment."""

import io
import sys
from types import SimpleNamespace

import pytest

from xlkit import Plan, RunStore, SimBackend, ThresholdPolicy, sweep
from xlkit.experiments import Progress
from xlkit.experiments._bar import bar_of


class Terminal(io.StringIO):
    def isatty(self):
        return True


def a_terminal(monkeypatch):
    """Sit in front of a terminal; called in the test itself, as pytest sets the stream anew before it."""
    seen = Terminal()
    monkeypatch.setattr(sys, "stderr", seen)
    return seen


@pytest.fixture
def plan():
    return Plan(name="small", policies=[ThresholdPolicy(50, 3)], workloads=["steady"], repetitions=3)


def told(**changes):
    known = {"planned": None, "done": 1, "left": 2, "failed": 0, "elapsed_s": 4.0, "left_s": 8.0, "downtime_s": 0.1}
    return Progress(**{**known, **changes})


def test_on_a_terminal_the_bar_ends_with_all_runs_done(monkeypatch, plan, tmp_path):
    terminal = a_terminal(monkeypatch)
    sweep(plan, {"steady": SimBackend}, store=RunStore(tmp_path))
    shown = terminal.getvalue()
    assert "small: " in shown
    assert "0/3 runs, steady | threshold(min_remaining=50, max_iters=3)" in shown
    assert "3/3 runs, ended" in shown


def test_the_bar_says_what_is_left_and_what_failed(monkeypatch, plan):
    terminal = a_terminal(monkeypatch)
    planned, *_ = plan.order()
    bar = bar_of("small")
    bar(told(planned=planned, failed=1, left_s=75.0))
    bar(told(done=3, left=0))
    assert "1/3 runs" in terminal.getvalue()
    assert "1 failed, 01:15 left" in terminal.getvalue()


def test_where_nobody_looks_nothing_is_drawn(monkeypatch, plan, tmp_path, capsys):
    sweep(plan, {"steady": SimBackend}, store=RunStore(tmp_path))
    assert capsys.readouterr() == ("", "")


def test_a_callable_of_one_s_own_replaces_the_bar(monkeypatch, plan, tmp_path):
    terminal = a_terminal(monkeypatch)
    heard = []
    sweep(plan, {"steady": SimBackend}, store=RunStore(tmp_path), progress=heard.append)
    assert [one.left for one in heard] == [3, 2, 1, 0]
    assert terminal.getvalue() == ""


def test_a_notebook_is_known_by_its_kernel(monkeypatch):
    kernel = SimpleNamespace(get_ipython=lambda: SimpleNamespace(config={"IPKernelApp": {}}))
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    assert type(bar_of("here")).__name__ == "_Bar"
    shell = SimpleNamespace(get_ipython=lambda: SimpleNamespace(config={}))
    monkeypatch.setitem(sys.modules, "IPython", shell)
    assert type(bar_of("there")).__name__ == "function"
