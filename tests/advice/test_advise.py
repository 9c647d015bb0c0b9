"""What is advised, by value."""

import json
import shlex
from math import floor
from pathlib import Path

import pytest

from tests.advice.scene import a_guest, history
from tests.records import a_run, a_stop
from xlkit.advice import Verdict, advise
from xlkit.errors import InvalidValueError
from xlkit.forecasts import forecast
from xlkit.model import Migration
from xlkit.policies import ThresholdPolicy
from xlkit.store import read_runs
from xlkit.units import UINT32_MAX

LAB = read_runs(Path(__file__).parents[2] / "data" / "runs" / "xen_lab.parquet")


@pytest.fixture(scope="module")
def known():
    return history(a_guest())


def test_min_remaining_is_what_fits_the_budget_less_the_fixed_part(known):
    told = advise(known, downtime_s=0.3)
    fits = told.bandwidth_bytes_s.likely * (0.3 - told.fixed_s.likely) / told.page_bytes
    assert told.min_remaining == told.fits_pages == floor(fits)
    assert f"{told.fits_pages:,} pages fit the pause" in told.sentences()[0]


def test_the_set_dirtied_during_the_last_pass_is_added_to_the_account(known):
    told = advise(known, downtime_s=0.3)
    copy_s = told.dirtied_pages * told.page_bytes / told.bandwidth_bytes_s.likely
    assert told.expected.downtime_s.likely <= told.fixed_s.likely + copy_s
    assert "bounds the last pass that is sent while the guest runs, not the blackout" in " ".join(told.sentences())
    assert f"dirties up to {told.dirtied_pages:,.0f} others" in " ".join(told.sentences())


def test_the_costs_are_those_of_the_forecast(known):
    told = advise(known, downtime_s=0.3)
    asked = known[-1].start.migration
    assert told.expected == forecast(known, asked, told.policy)
    assert told.by_default == forecast(known, asked, ThresholdPolicy())


def test_max_iters_leaves_a_margin_over_the_passes_that_are_needed(known):
    told = advise(known, downtime_s=0.25)
    assert told.max_iters >= told.expected.live_passes.high + 2


def test_a_budget_below_the_fixed_part_is_refused_with_the_least_possible_one(known):
    told = advise(known, downtime_s=0.0001)
    assert (told.verdict, told.min_remaining, told.max_iters) == (Verdict.BELOW_FIXED_PART, None, None)
    least_s = told.helps[2].value
    assert f"{1000 * least_s:.3g} ms is the least that can be kept" in told.helps[2].sentence
    assert [one.value for one in told.helps[:2]] == [None, None]


def test_who_cannot_get_there_has_no_line_to_type(known):
    told = advise(known, downtime_s=0.02)
    assert told.verdict is Verdict.OUT_OF_REACH
    with pytest.raises(InvalidValueError, match="does not get there"):
        _ = told.command
    assert told.to_data()["command"] is None


def test_the_line_to_type_is_quoted(known):
    told = advise(like=known, migration=Migration("web server", "host b", source="host a"), downtime_s=0.3)
    words = ["--min_remaining", str(told.min_remaining), "--max_iters", str(told.max_iters), "web server", "host b"]
    assert shlex.split(told.command) == ["xl", "migrate", *words]
    assert shlex.split(told.xlkit_command) == ["xlkit", "migrate", "--backend", "xl", "--source", "host a", *words]
    assert told.like == "demo"


def test_advice_is_never_0_which_would_ask_for_the_default_and_never_more_than_a_host_reads(known):
    for downtime_s in (1e-3, 0.1, 10.0, 1e9):
        told = advise(known, downtime_s=downtime_s)
        assert told.min_remaining is None or 1 < told.min_remaining <= UINT32_MAX


def test_runs_that_scatter_make_it_unsure_and_say_how_far():
    told = advise(LAB[4:8], downtime_s=1.2)
    assert told.verdict is Verdict.UNSURE
    assert told.expected.downtime_s.high > 1.2
    assert "beyond the budget" in " ".join(told.sentences())
    assert "4 measured runs" in str(told)


def test_a_longer_budget_makes_it_sure():
    told = advise(LAB[4:8], downtime_s=2.0)
    assert (told.verdict, told.origins, told.learned_from) == (
        Verdict.SURE, ("measured",), tuple(run.run_id for run in LAB[4:8]),
    )  # fmt: skip


def test_what_no_run_told_is_named():
    aborted = a_run(passes=0, stop=a_stop(downtime_s=None))
    live = a_run(passes=4, stop=a_stop(downtime_s=None))
    told = advise([aborted, live], downtime_s=2.0)
    assert "fixed_downtime_s" in told.assumed
    assert "No run told" in told.sentences()[-1]


def test_it_can_be_printed_shown_and_stored(known):
    for told in (advise(known, downtime_s=0.3), advise(known, downtime_s=0.02)):
        assert max(map(len, str(told).splitlines())) <= 100
        assert json.loads(json.dumps(told.to_data()))["verdict"] == told.verdict
        assert "<li>" in told._repr_html_()


@pytest.mark.parametrize("downtime_s", [0, -0.1, float("nan"), float("inf"), "300ms", None, True])
def test_a_budget_that_is_none_is_refused(known, downtime_s):
    with pytest.raises(InvalidValueError, match="downtime_s must be a positive time in seconds"):
        advise(known, downtime_s=downtime_s)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, "needs earlier runs"),
        ({"runs": []}, "needs earlier runs"),
        ({"runs": "runs"}, "Wanted runs"),
        ({"runs": LAB, "migration": Migration("g1")}, "its runs went between host1 and host2"),
        ({"runs": LAB, "migration": Migration("g2", "host2", source="host1")}, "there are runs of g1"),
    ],
)
def test_without_runs_of_the_guest_there_is_no_advice(given, complaint):
    with pytest.raises(InvalidValueError, match=complaint):
        advise(**given)
