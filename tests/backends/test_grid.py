from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xlkit.backends.grid import simulate_grid
from xlkit.backends.sim import SimBackend
from xlkit.engine.workload import HotCold, Idle, Stage, Stages, Sweep, Uniform, Workload
from xlkit.errors import InvalidValueError
from xlkit.model import Migration
from xlkit.policies import SusePolicy, ThresholdPolicy

rates = st.integers(0, 60_000).map(float)
steady = st.one_of(
    st.just(Idle()),
    st.builds(Uniform, rate_pages_s=rates, working_set_pages=st.none() | st.integers(1, 3_000)),
    st.builds(Sweep, rate_pages_s=rates, working_set_pages=st.none() | st.integers(1, 3_000)),
    st.builds(HotCold, rate_pages_s=rates, hot_pages=st.integers(1, 3_000), hot_share=st.floats(0, 1)),
)
stages = st.lists(st.builds(Stage, duration_s=st.floats(0.001, 0.2), workload=steady), min_size=1, max_size=4)
workloads = steady | stages.map(lambda some: Stages(stages=tuple(some)))
knobs = st.builds(ThresholdPolicy, min_remaining=st.integers(0, 5_000), max_iters=st.integers(0, 12))


def one_by_one(backend: SimBackend, policies: list[ThresholdPolicy]) -> list[dict[str, object]]:
    rows = []
    for policy in policies:
        *passes, stop = backend.migrate(Migration("guest"), policy)
        rows.append(
            {
                "min_remaining": policy.min_remaining,
                "max_iters": policy.max_iters,
                "iteration": passes[-1].iteration,
                "stop_reason": stop.stop_reason,
                "total_s": stop.ended_s,
                "downtime_s": stop.downtime_s,
                "sent_pages": sum(one.sent_pages for one in passes),
                "final_pages": passes[-1].sent_pages,
            }
        )
    return rows


def rows_of(table: dict[str, np.ndarray]) -> list[dict[str, object]]:
    columns = [column.tolist() for column in table.values()]
    return [dict(zip(table, row, strict=True)) for row in zip(*columns, strict=True)]


@settings(max_examples=60, deadline=None)
@given(workloads, st.lists(knobs, min_size=1, max_size=12), st.sampled_from([0.0, 0.4]))
def test_a_grid_equals_a_migration_for_each_policy(workload: Workload, policies: list[ThresholdPolicy], noise: float):
    backend = SimBackend(memory="16MiB", workload=workload, noise=noise)
    assert rows_of(simulate_grid(backend, policies)) == one_by_one(backend, policies)


def test_a_grid_is_every_pair_with_max_iters_fastest():
    table = simulate_grid(SimBackend(memory="16MiB"), min_remaining=[50, 500], max_iters=range(1, 4))
    assert table["min_remaining"].tolist() == [50, 50, 50, 500, 500, 500]
    assert table["max_iters"].tolist() == [1, 2, 3, 1, 2, 3]


def test_0_asks_for_xen_s_defaults():
    table = simulate_grid(SimBackend(memory="16MiB"), min_remaining=[0], max_iters=[0])
    assert (table["min_remaining"].tolist(), table["max_iters"].tolist()) == ([50], [5])


def test_without_a_grid_it_is_xen_s_own_rule():
    assert rows_of(simulate_grid(SimBackend())) == one_by_one(SimBackend(), [ThresholdPolicy()])


@pytest.mark.parametrize("grid", [{"policies": []}, {"min_remaining": []}, {"max_iters": []}])
def test_an_empty_grid_gives_empty_columns(grid: dict[str, Any]):
    table = simulate_grid(SimBackend(), **grid)
    assert set(map(len, table.values())) == {0}
    assert len(table) == 8


def test_a_grid_leaves_the_backend_as_it_was():
    backend = SimBackend(memory="16MiB")
    simulate_grid(backend, max_iters=[9])
    assert backend.guests() == ()


def test_other_policies_are_refused():
    with pytest.raises(InvalidValueError, match="threshold policies only"):
        simulate_grid(SimBackend(), [ThresholdPolicy(), SusePolicy()])


def test_a_knob_out_of_range_is_refused():
    with pytest.raises(InvalidValueError, match="max_iters must lie between"):
        simulate_grid(SimBackend(), max_iters=[5, -1])
