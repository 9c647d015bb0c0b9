import pytest

from tests.forecasts.runs import DEMO, LOAD, simulated
from tests.records import a_run, a_stop
from xlkit.backends.sim import SimBackend
from xlkit.forecasts import calibration, forecast, scores
from xlkit.model import DowntimePart, Forecast, Knowledge, Range, Status
from xlkit.policies import ThresholdPolicy
from xlkit.runner import run
from xlkit.store import RunStore


def expected(low: float, likely: float, high: float, **changes: object) -> Forecast:
    known = {"model": "curve", "level": 0.9, "passes_known": 0, "learned_from": ("a", "b")}
    return Forecast(**{**known, "total_s": Range(low=low, likely=likely, high=high), **changes})


def scored(told: Forecast | None, **stop: object):
    return a_run(stop=a_stop(**stop), forecast=told)


def test_a_run_is_scored_by_each_quantity_that_was_foretold():
    table = scores(scored(expected(4.0, 6.0, 7.0))).set_index("quantity")
    assert list(table.index) == ["total_s", "downtime_s", "sent_bytes", "live_passes", "final_pages"]
    row = table.loc["total_s"]
    assert (row.outcome, row.within, row.relative_error) == (5.0, True, pytest.approx(0.2))
    assert table.loc["downtime_s"].isna()[["low", "within", "relative_error"]].all()
    assert table.loc["downtime_s", "outcome"] == 0.25


def test_an_outcome_that_is_not_known_is_not_scored():
    table = scores(scored(expected(4.0, 6.0, 7.0), ended_s=None, status=Status.ABORTED))
    assert table["within"].isna().all()


def test_a_downtime_that_is_known_as_at_most_says_so():
    part = DowntimePart(name="resume", duration_s=0.1, knowledge=Knowledge.AT_MOST, clock="a")
    table = scores(scored(expected(4.0, 6.0, 7.0), downtime=(part,))).set_index("quantity")
    assert table.loc["downtime_s", "outcome_knowledge"] == "at_most"
    assert table.loc["total_s", "outcome_knowledge"] == "exact"


def test_the_share_of_ranges_that_held_stands_beside_the_level():
    runs = [scored(expected(low, 5.0, 10.0)) for low in (1.0, 2.0, 3.0, 5.0)]
    runs += [scored(expected(6.0, 7.5, 10.0)), scored(None)]
    (row,) = calibration(runs).to_dict("records")[:1]
    assert (row["quantity"], row["level"], row["n_forecasts"], row["share_within"]) == ("total_s", 0.9, 5, 0.8)
    assert row["median_error"] == 0.0
    assert row["p90_error"] == pytest.approx(0.3)


def test_models_and_moments_are_not_mixed():
    before, under_way = expected(4.0, 5.0, 6.0), expected(4.0, 5.0, 6.0, passes_known=2)
    other = expected(4.0, 5.0, 6.0, model="constant_rate")
    table = calibration(scored(before), [scored(under_way), scored(other)])
    assert list(zip(table["model"], table["when"], strict=True)) == [
        ("curve", "before"),
        ("curve", "under way"),
        ("constant_rate", "before"),
    ]


def test_no_forecast_gives_an_empty_table():
    assert calibration(a_run()).empty
    assert list(scores().columns)[:1] == ["run_id"]


def test_a_forecast_is_stored_with_its_run_and_scored_from_the_store(tmp_path):
    store = RunStore(tmp_path)
    simulated(store)
    told = forecast(store, DEMO, ThresholdPolicy())
    run(DEMO, ThresholdPolicy(), SimBackend(memory="64MiB", workload=LOAD), store=store, forecast=told)
    table = calibration(RunStore(tmp_path)).set_index("quantity")
    assert table.loc["total_s", "n_forecasts"] == 1
    assert table.loc["total_s", "share_within"] == 1.0
