"""Page maps, pass by pass."""

import pytest

from xlkit.backends.sim import SimBackend
from xlkit.engine.workload import HotCold
from xlkit.model import Migration, Phase
from xlkit.policies import ThresholdPolicy
from xlkit.runner import run
from xlkit.views import memory_rows, plot_memory, report
from xlkit.views.memory import MOST_RUNS, MOST_STEPS


def migrated(*, max_iters=4, memory="64MiB", hot_pages=600):
    workload = HotCold(rate_pages_s=20_000, hot_pages=hot_pages)
    guest = SimBackend(memory=memory, bandwidth="500Mbit/s", workload=workload)
    return run(Migration("web"), ThresholdPolicy(1, max_iters), guest)


@pytest.fixture(scope="module")
def recorded():
    return migrated()


def shown(figure, column):
    (trace,) = [one for one in figure.data if one.xaxis == ("x" if column == 1 else "x2")]
    return [value for line in trace.z for value in line]


def test_rows_hold_each_part_of_each_pass(recorded):
    rows = memory_rows(recorded)
    assert len(rows) == 256 * len(recorded.iterations)
    assert rows.groupby("phase", sort=False)["dirty_pages"].sum().sum() == sum(
        one.dirty_pages for one in recorded.iterations
    )
    first = rows[(rows["iteration"] == 0)]
    assert first["first_page"].tolist() == list(range(0, 64 * 256, 64))
    assert set(first["dirty_share"]) == {1.0}


def test_times_sent_add_up_to_all_that_went_out(recorded):
    rows = memory_rows(recorded)
    by_end = rows[rows["phase"] == Phase.STOP_AND_COPY]
    sent = sum(one.sent_pages for one in recorded.iterations)
    assert (by_end["times_sent"] * by_end["part_pages"]).sum() == pytest.approx(sent)


def test_the_first_picture_is_pass_1_and_its_slider_leads_to_every_pass(recorded):
    figure = plot_memory(recorded)
    second = memory_rows(recorded).query("iteration == 1 and phase == 'precopy'")
    assert shown(figure, 1) == pytest.approx([100 * share for share in second["dirty_share"]], abs=0.06)
    assert figure.layout.title.text == f"The guest's memory in pass 1: {recorded.iterations[1].dirty_pages:,} pages"
    (slider,) = figure.layout.sliders
    assert [step.label for step in slider.steps] == ["0", "1", "2", "3", "final"]
    assert [step.args[0][0] for step in slider.steps] == [frame.name for frame in figure.frames]


def test_each_picture_changes_both_maps(recorded):
    last = plot_memory(recorded).frames[-1]
    rows = memory_rows(recorded)
    by_end = rows[rows["phase"] == Phase.STOP_AND_COPY]
    times = [value for line in last.data[1].z for value in line]
    assert times == pytest.approx(by_end["times_sent"].tolist(), abs=0.006)
    assert "in the final pass" in last.layout.title.text


def test_a_part_says_its_pages_and_numbers_where_the_pointer_is(recorded):
    share, times = plot_memory(recorded).data
    assert share.text[0][4] == times.text[0][4] == "pages 256 to 319 (from 1 MiB)"
    assert "% of them in this pass" in share.hovertemplate
    assert "times so far" in times.hovertemplate


def test_a_small_guest_has_a_part_a_page(make_run):
    tiny = migrated(memory="512KiB", hot_pages=9)
    rows = memory_rows(tiny)
    assert set(rows["part_pages"]) == {1}
    assert rows["part"].max() == 127
    assert len(plot_memory(tiny).data[0].z) == 11


def test_runs_stand_one_below_the_other_and_a_run_that_has_ended_stays_at_its_final_pass(recorded):
    longer = migrated(max_iters=6)
    figure = plot_memory(recorded, longer)
    assert len(figure.data) == 4
    assert len(figure.frames) == len(longer.iterations)
    assert figure.frames[-1].data[0].z == figure.frames[len(recorded.iterations) - 1].data[0].z


def test_more_runs_than_fit_are_said(recorded):
    figure = plot_memory([recorded] * (MOST_RUNS + 2))
    assert len(figure.data) == 2 * MOST_RUNS
    assert "the first 3 of 5 runs" in figure.layout.title.text


def test_the_slider_of_a_long_run_has_its_first_passes_and_its_last():
    long = migrated(max_iters=300)
    names = [int(frame.name) for frame in plot_memory(long).frames]
    assert len(names) == MOST_STEPS
    assert names == sorted(set(names))
    assert (names[:3], names[-1]) == ([0, 1, 2], len(long.iterations) - 1)


def test_runs_without_maps_give_a_sentence(make_run):
    assert memory_rows(make_run()).empty
    assert "Xen does not tell" in plot_memory(make_run()).layout.annotations[0].text


def test_the_report_draws_the_map_where_there_is_one(recorded, make_run):
    assert 'id="figure-memory"' in report(recorded)
    assert 'id="figure-memory"' not in report(make_run())


def test_a_page_waits_until_somebody_moves_the_slider(recorded):
    assert "Plotly.animate(" not in plot_memory(recorded).to_html(include_plotlyjs=False)
