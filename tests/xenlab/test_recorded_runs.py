"""The runs in data/runs, recorded on real Xen: what dom0 decided is what the policy says in Python."""

import hashlib
from pathlib import Path

import pytest

from xlkit.model import Applied, Phase, Run, Status
from xlkit.store import read_runs
from xlkit.testing import recorded_calls

DATA = Path(__file__).parents[2] / "data"
RUNS = read_runs(DATA / "runs" / "xen_lab.parquet")


def test_three_workloads_under_four_policies_are_there() -> None:
    assert len(RUNS) == 12
    assert len({run.start.policy for run in RUNS}) == 4
    assert {(run.stop.status, run.start.setup.applied) for run in RUNS} == {(Status.COMPLETED, Applied.HELPER)}


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.run_id)
def test_the_recorded_numbers_give_the_recorded_decisions(run: Run) -> None:
    calls = recorded_calls(run.iterations, run.start.setup.memory_pages)
    assert [run.start.policy.decide(stats) for stats, _ in calls] == [decision for _, decision in calls]
    assert run.start.policy.reason(calls[-1][0]) is run.stop.stop_reason
    assert run.iterations[-1].phase is Phase.STOP_AND_COPY


def test_the_file_is_the_one_that_is_described() -> None:
    digest = hashlib.sha256((DATA / "runs" / "xen_lab.parquet").read_bytes()).hexdigest()
    assert digest in (DATA / "README.md").read_text()
