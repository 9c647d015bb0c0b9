"""Repetitions: their middle, the interval for it, who lies far off, and what may be ranked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.records import SETUP, a_run, a_start, a_stop
from xlkit import frames
from xlkit.errors import ComparisonError, InvalidValueError
from xlkit.frames._spread import outliers, spread
from xlkit.model import Migration, Run
from xlkit.policies import ThresholdPolicy

# Ten repetitions of one setting, published: one stood still for 383 ms where nine took 22 to 32 ms.
PUBLISHED_S = (0.022, 0.024, 0.026, 0.383, 0.028, 0.029, 0.030, 0.031, 0.032, 0.025)
PATIENT = ThresholdPolicy(max_iters=30)


def repeated(downtimes_s, name="r", **start):
    return [
        a_run(f"{name}{number}", stop=a_stop(downtime_s=value), **start) for number, value in enumerate(downtimes_s)
    ]


def with_setup(run_id, **changes):
    values = {name: getattr(SETUP, name) for name in ("settings", "applied", "origin", "clock", "memory_pages")}
    return a_run(run_id, setup=type(SETUP)(**(values | changes)))


def test_the_run_that_stood_still_ten_times_as_long_is_named():
    row = frames.compare(repeated(PUBLISHED_S)).iloc[0]
    assert row["outliers"] == "r3 (downtime_s 0.383)"
    assert row["median_downtime_s"] == pytest.approx(0.0285)


def test_the_interval_holds_the_median_and_lies_within_the_range():
    row = frames.compare(repeated(PUBLISHED_S)).iloc[0]
    parts = [row[f"{part}_downtime_s"] for part in ("min", "low", "median", "high", "max")]
    assert parts == sorted(parts)
    assert parts[3] < 0.1


def test_the_interval_is_the_same_every_time():
    once, again = frames.compare(repeated(PUBLISHED_S)), frames.compare(repeated(PUBLISHED_S))
    assert once.equals(again)


def test_two_runs_have_no_interval():
    row = frames.compare(repeated([0.1, 0.2])).iloc[0]
    assert row[["low_downtime_s", "high_downtime_s"]].isna().all()


def test_a_level_that_is_no_share_is_refused():
    with pytest.raises(InvalidValueError, match="between 0 and 1"):
        frames.compare(level=95)


def test_a_guest_that_goes_to_and_fro_is_one_setting():
    there = a_run("a", migration=Migration("g", "host2", source="host1"))
    back = a_run("b", migration=Migration("g", "host1", source="host2"))
    assert frames.compare(there, back)["runs"].tolist() == [2]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_an_interval_never_leaves_the_range_of_what_was_seen(values):
    found = spread(values, 0.9)
    assert found.least <= found.median <= found.most
    assert found.low is None or found.least <= found.low <= found.high <= found.most


@given(st.lists(st.floats(1.0, 1.05), min_size=5, max_size=20))
def test_whoever_lies_near_the_others_is_no_outlier(values):
    assert outliers(values) == []


def test_one_far_off_among_equals_is_an_outlier():
    assert outliers([1.0] * 9 + [5.0]) == [9]


def test_settings_are_put_in_order_where_repetitions_tell_them_apart():
    quick = repeated([0.1, 0.11, 0.12, 0.13, 0.14], "q", policy=PATIENT)
    table = frames.rank(repeated([0.5, 0.51, 0.52, 0.53, 0.54]), quick)
    assert table["max_iters"].tolist() == [30, 5]
    assert table["place"].tolist() == [1, 2]
    assert table["differs"].iloc[1]
    assert table["p_value"].iloc[1] == pytest.approx(2 / 252)


def test_settings_that_cannot_be_told_apart_share_a_place():
    other = repeated([0.105, 0.115, 0.125, 0.135, 0.145], "q", policy=PATIENT)
    table = frames.rank(repeated([0.1, 0.11, 0.12, 0.13, 0.14]), other)
    assert table["place"].tolist() == [1, 1]
    assert not table["differs"].iloc[1]


def test_single_runs_are_not_ranked():
    with pytest.raises(ComparisonError, match=r"One run is no result.*max_iters=5\): 1, .*max_iters=30\): 3"):
        frames.rank(a_run("a"), repeated([0.1, 0.2, 0.3], policy=PATIENT))


def test_runs_of_different_guests_are_not_ranked_unless_they_are_marked():
    small, large = ([with_setup(f"{name}{n}", memory_pages=size) for n in range(3)] for name, size in
                    (("s", 1000), ("l", 2000)))  # fmt: skip
    with pytest.raises(ComparisonError, match="memory_pages is 1000 or 2000") as refused:
        frames.rank(small, large)
    assert refused.value.differing == {"memory_pages": [1000, 2000]}
    marked = frames.rank(small, large, comparable="mark")
    assert marked["not_comparable"].tolist() == ["", "memory_pages is 1000 or 2000"]


def test_policies_may_differ():
    table = frames.rank(repeated([0.1, 0.2, 0.3]), repeated([0.1, 0.2, 0.3], "q", policy=PATIENT))
    assert table["not_comparable"].tolist() == ["", ""]


@pytest.mark.parametrize("asked", [{"by": "beauty"}, {"comparable": "ignore"}])
def test_what_there_is_none_of_is_refused(asked):
    with pytest.raises(InvalidValueError):
        frames.rank(**asked)


def test_settings_are_shown_where_they_differ():
    table = frames.settings(a_run("a"), a_run("b", policy=PATIENT))
    assert table.to_dict("records") == [{"setting": "max_iters", "a": 5, "b": 30}]


def test_all_settings_can_be_shown_and_nested_ones_are_named_by_their_path():
    setup = {"workload": {"name": "hotcold", "rate_pages_s": 5.0}}
    table = frames.settings(with_setup("a", settings=setup), differing=False).set_index("setting")["a"]
    assert (table["workload"], table["workload rate_pages_s"], table["backend"]) == ("hotcold", 5.0, "scripted")


def test_a_setting_that_one_run_lacks_is_none():
    one = Run(start=a_start("a"), iterations=(), stop=a_stop())
    table = frames.settings(one, with_setup("b", settings={"bandwidth_bytes_s": 1e8}))
    assert table.values.tolist() == [["bandwidth_bytes_s", None, 1e8]]
