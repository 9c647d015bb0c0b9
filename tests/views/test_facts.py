"""Runs in words."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlkit.model import Status
from xlkit.views.facts import labels, quantity


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("memory_bytes", 2**28, "256 MiB"),
        ("bandwidth_bytes_s", 125e6, "119.2 MiB/s"),
        ("rate_pages_s", 20_000, "20,000 pages/s"),
        ("hot_pages", 500, "500 pages"),
        ("suspend_s", 0.0001, "100 us"),
        ("seed", 1, "1"),
        ("tracker", "marks", "marks"),
        ("working_set_pages", None, "not set"),
    ],
)
def test_a_setting_is_written_in_the_unit_of_its_name(name, value, text):
    assert quantity(name, value) == text


def test_labels_name_what_differs(make_run):
    runs = [make_run(settings={"workload": {"name": "sweep", "rate_pages_s": rate}}) for rate in (1000, 2000)]
    assert labels(runs) == [
        "workload rate_pages_s 1,000 pages/s (measured)",
        "workload rate_pages_s 2,000 pages/s (measured)",
    ]


def test_labels_of_repetitions_name_the_run(make_run):
    runs = [make_run(run_id=f"20261123T150000000-{name}") for name in ("aaaaaa", "bbbbbb")]
    assert labels(runs) == ["run aaaaaa (measured)", "run bbbbbb (measured)"]


def test_labels_say_that_a_run_did_not_end_well(make_run):
    assert labels([make_run(status=Status.FAILED)]) == ["run aaaaaa (measured, failed)"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seeds=st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_labels_are_all_different(seeds, make_run):
    runs = [make_run(run_id=f"20261123T15-{place:06d}", settings={"seed": seed}) for place, seed in enumerate(seeds)]
    assert len(set(labels(runs))) == len(runs)
