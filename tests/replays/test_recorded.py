"""Every run that was ever recorded ends under its own policy as recorded."""

from pathlib import Path

import pytest

from tests.replays.test_replay import expect_the_recorded_end
from xlkit.errors import InvalidValueError
from xlkit.policies import RecordedPolicy, ThresholdPolicy
from xlkit.replays import replay, replay_grid
from xlkit.store import read_runs

RUNS = [
    run for path in sorted((Path(__file__).parents[2] / "data" / "runs").glob("*.parquet")) for run in read_runs(path)
]
DECIDED = [run for run in RUNS if not isinstance(run.start.policy, RecordedPolicy)]


def test_there_are_runs_of_real_hosts_among_them():
    assert len(DECIDED) >= 12


@pytest.mark.parametrize("run", DECIDED, ids=lambda run: run.run_id)
def test_a_recorded_run_ends_under_its_own_policy_as_recorded(run):
    expect_the_recorded_end(run)


@pytest.mark.parametrize(
    "run", [one for one in DECIDED if isinstance(one.start.policy, ThresholdPolicy)], ids=lambda one: one.run_id
)
def test_so_does_the_grid(run):
    own = run.start.policy
    (row,) = replay_grid(run, [own.min_remaining], [own.max_iters]).to_dict("records")
    told = replay(run, own)
    assert (row["stop_reason"], row["iteration"]) == (told.stop_reason, told.iteration)


# A guest that was stopped before its migration had no live pass, and no rule was ever asked.
ASKED = [one for one in RUNS if one not in DECIDED and len(one.iterations) > 1]


@pytest.mark.parametrize("run", ASKED, ids=lambda one: one.run_id)
def test_a_rule_of_which_only_the_settings_were_recorded_is_refused_by_name(run):
    with pytest.raises(InvalidValueError, match=run.start.policy.name):
        replay(run, run.start.policy)
