"""The bar on a terminal."""

import io
import sys

from xlkit.cli.progress import Progress
from xlkit.model import Decision, Iteration, Phase


class Terminal(io.StringIO):
    def isatty(self):
        return True


def passes(count):
    return [
        Iteration(
            iteration=number,
            phase=Phase.PRECOPY,
            dirty_pages=256,
            total_written_pages=256 * number,
            sent_pages=256,
            sent_bytes=2**20,
            begun_s=float(number),
            ended_s=number + 1.0,
            decision_before=Decision.CONTINUE,
            decision_after=Decision.CONTINUE,
        )
        for number in range(count)
    ]


def shown(monkeypatch, count, *, max_iters):
    monkeypatch.setattr(sys, "stderr", Terminal())
    Progress(max_iters).show(passes(count))
    return sys.stderr.getvalue().rpartition("\x1b[K")[2]


def test_the_bar_grows_with_the_passes_that_are_done(monkeypatch):
    bar = shown(monkeypatch, 3, max_iters=5)
    assert bar.startswith("[############............] 3 of at most 6 passes, 3 MiB sent, ")


def test_the_bar_is_full_when_a_policy_was_changed_to_more_passes(monkeypatch):
    assert shown(monkeypatch, 9, max_iters=5).startswith(f"[{'#' * 24}] 9 of at most 6 passes")


def test_the_bar_stays_on_one_line(monkeypatch):
    assert "\n" not in shown(monkeypatch, 3, max_iters=5)


def test_the_bar_is_gone_at_the_end(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    progress = Progress(5)
    progress.show(passes(1))
    progress.finish()
    assert sys.stderr.getvalue().endswith("\r\x1b[K")
