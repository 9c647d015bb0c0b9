"""Plans: checked, read with precise complaints, ordered in blocks; suites that do what their names say."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlkit.backends.sim import SimBackend
from xlkit.errors import InvalidValueError
from xlkit.experiments import Budget, EarlyStop, Maker, Plan, plan_from_data, read_plan, suite, suites
from xlkit.model import Migration
from xlkit.policies import SusePolicy, ThresholdPolicy, to_settings

SMALL = {"name": "small", "grid": {"min_remaining": [50]}, "workloads": {"steady": {"backend": "sim"}}}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"repetitons": 3}, "There is no 'repetitons' in a plan; did you mean repetitions?"),
        ({"budget": {"wall": 3}}, "There is no 'wall' in budget; did you mean wall_s? It takes runs, wall_s"),
        ({"budget": {"wall_s": -1}}, "budget.wall_s must be a number, not negative, not -1"),
        ({"budget": 3}, "budget must be a table"),
        ({"early_stop": {"of": "pages"}}, "early_stop.of must be one of downtime_s, total_s"),
        ({"early_stop": {"fewest": 2}}, "early_stop.fewest must be 3 or more"),
        ({"grid": {"max_iter": [5]}}, "There is no 'max_iter' in grid; did you mean max_iters?"),
        ({"grid": {"max_iters": [-5]}}, "grid: max_iters"),
        ({"grid": {"max_iters": 5}}, "max_iters must be a list"),
        ({"policies": [{"name": "sues"}]}, "policies[0].name must be one of"),
        ({"policies": [{"name": "suse", "max_iter": 1}]}, "There is no 'max_iter' in policies[0] (suse)"),
        ({"policies": [{"name": "downtime_budget"}]}, "policies[0]: "),
        ({"policies": [{"name": "threshold"}]}, "comes twice"),
        ({"workloads": {}}, "needs a workload"),
        ({"workloads": {"steady": 3}}, "workloads.steady must be a table"),
        ({"repetitions": 0}, "repetitions must be 1 or more"),
        ({"repetitions": "3"}, "repetitions must be a whole number"),
        ({"migration": {"domain": "-x"}}, "migration: domain must be"),
        ({"name": ""}, "name must be printable"),
    ],
)
def test_a_plan_that_cannot_be_used_says_which_key(change, complaint):
    with pytest.raises(InvalidValueError, match=re.escape(complaint)):
        plan_from_data(SMALL | change)


def test_a_file_that_is_no_toml_is_named_with_its_line(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text("name = \n")
    with pytest.raises(InvalidValueError, match=r"plan\.toml is no TOML: .*line 1"):
        read_plan(path)


def test_a_complaint_about_a_file_names_it(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text('nam = "x"\n')
    with pytest.raises(InvalidValueError, match=r"plan\.toml: There is no 'nam' in a plan; did you mean name"):
        read_plan(path)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"backend": "simulator"}, "workloads.steady.backend must be one of sim"),
        ({"backend": "sim", "bandwith": "1Gbit/s"}, "did you mean bandwidth?"),
        ({"backend": "sim", "memory": "many"}, "workloads.steady: "),
        ({"backend": "sim", "workload": {"name": "unifrom"}}, "workloads.steady: Unknown workload"),
        ({"backend": "sim", "seed": 3}, "There is no 'seed'"),
    ],
)
def test_a_workload_that_cannot_be_made_says_which_key(settings, complaint):
    with pytest.raises(InvalidValueError, match=re.escape(complaint)):
        Maker.for_plan(plan_from_data(SMALL | {"workloads": {"steady": settings}}), sim=SimBackend)


def test_a_plan_is_data_and_back():
    plan = Plan(
        name="all",
        policies=[*Plan.grid([50, 500], [5]), SusePolicy()],
        workloads={"a": {"backend": "sim", "workload": {"name": "idle"}}, "b": {}},
        settle_s=0.5,
        seed=3,
        migration=Migration("web1", "hostb", source="hosta"),
        budget=Budget(runs=3, downtime_s=0.5),
        early_stop=EarlyStop(half_width=0.1),
    )
    assert plan_from_data(plan.to_data()) == plan
    assert plan_from_data(plan.to_data()).digest == plan.digest


@pytest.mark.parametrize(("change", "same"), [({"repetitions": 9}, True), ({"budget": Budget(runs=1)}, True),
                                              ({"seed": 2}, False), ({"settle_s": 1.0}, False)])  # fmt: skip
def test_the_digest_tells_what_decides_how_runs_come_out(change, same):
    asked = {"name": "x", "policies": [ThresholdPolicy()], "workloads": ["a"]}
    assert (Plan(**asked).digest == Plan(**asked, **change).digest) is same


@given(few=st.sets(st.integers(1, 99), min_size=1, max_size=4), repetitions=st.integers(1, 6), seed=st.integers(0, 99))
def test_each_block_holds_every_cell_once(few, repetitions, seed):
    plan = Plan(name="x", policies=Plan.grid(few, [5, 9]), workloads=["a", "b"], repetitions=repetitions, seed=seed)
    order, cells = plan.order(), plan.cells()
    for at in range(repetitions):
        block = order[at * len(cells) : (at + 1) * len(cells)]
        assert {one.repetition for one in block} == {at}
        assert sorted(one.cell.name for one in block) == sorted(cell.name for cell in cells)
    assert len({one.seed for one in order}) == len(order)


def test_blocks_are_shuffled_each_in_its_own_way_and_always_the_same():
    plan = Plan(name="x", policies=Plan.grid(range(1, 9), [5]), workloads=["a"], repetitions=4)
    names = [one.cell.name for one in plan.order()]
    blocks = {tuple(names[at : at + 8]) for at in range(0, 32, 8)}
    assert len(blocks) == 4
    assert plan.order() == Plan(**{**plan.to_data(), "policies": plan.policies, "migration": plan.migration,
                                   "budget": plan.budget}).order()  # fmt: skip


def varied(plan):
    """Name what differs between the workloads of a plan, and between its policies."""
    workloads, policies = list(plan.workloads.values()), [to_settings(one) for one in plan.policies]
    return [{key for one in some for key in one if len({str(two.get(key)) for two in some}) > 1}
            for some in (workloads, policies)]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "workloads", "policies"),
    [
        ("knobs", set(), {"min_remaining", "max_iters"}),
        ("links", {"bandwidth"}, set()),
        ("writers", {"workload"}, set()),
    ],
)
def test_a_suite_varies_what_its_name_says_and_nothing_else(name, workloads, policies):
    assert varied(suite(name)) == [workloads, policies]


def test_the_writers_differ_in_their_rate_alone():
    workloads = [dict(one["workload"]) for one in suite("writers").workloads.values()]
    rates = [one.pop("rate_pages_s") for one in workloads]
    assert len({str(one) for one in workloads}) == 1
    assert [f"rate_{rate}" for rate in rates] == list(suite("writers").workloads)


def test_the_wild_suite_has_the_rules_of_the_relatives_under_one_workload():
    plan = suite("wild")
    names = {"threshold", "legacy_xen", "suse", "xenserver", "xcp_ng", "downtime_budget"}
    assert {one.name for one in plan.policies} == names
    assert len(plan.workloads) == 1


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("knobs", lambda plan: [*{p.min_remaining for p in plan.policies}, *{p.max_iters for p in plan.policies}]),
        ("links", lambda plan: [one["bandwidth"] for one in plan.workloads.values()]),
        ("writers", lambda plan: [one["workload"]["rate_pages_s"] for one in plan.workloads.values()]),
    ],
)
def test_the_values_that_a_description_names_are_those_of_the_cells(name, values):
    told = re.findall(r"\b[\d.]+(?:[MG]bit/s)?(?=\b)", suite(name).description.split(", under Xen")[0])
    assert sorted(told) == sorted(str(one) for one in values(suite(name)))


@pytest.mark.parametrize("name", suites())
def test_the_backends_of_every_suite_can_be_made(name):
    assert set(Maker.for_plan(suite(name), sim=SimBackend)) == set(suite(name).workloads)
    assert suite(name).description


def test_a_suite_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(InvalidValueError, match="knobs, links"):
        suite("knbos")
