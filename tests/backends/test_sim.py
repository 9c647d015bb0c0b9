import decimal
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xlkit.backends._dirtying import ImaginedPages
from xlkit.backends.sim import SimBackend
from xlkit.engine.program import Program
from xlkit.engine.runs import pages_to_runs
from xlkit.engine.workload import HotCold, Idle, Stage, Stages, Sweep, Uniform, Workload, first_data_page
from xlkit.errors import InvalidValueError
from xlkit.model import Applied, Decision, Iteration, Migration, Origin, RunStop, Side, StopReason
from xlkit.policies import DowntimeBudgetPolicy, ThresholdPolicy
from xlkit.protocols import Policy
from xlkit.testing import AnswersInTurn, BackendContract
from xlkit.units import PAGE_BYTES

GUEST = Migration("guest")
GOLDEN_PAGES = [65536, 6300, 2179, 1082, 686, 429]
GOLDEN_ENDS = ["2.226760333", "2.450197277", "2.520773638", "2.560813901", "2.58438967", "2.59978379"]
GOLDEN_END = "2.59998379"
FREE_OF_COSTS = {
    "suspend_s": 0,
    "resume_s": 0,
    "pass_overhead_s": 0,
    "decide_s": 0,
    "collect_s_per_gib": 0,
    "arm_s_per_gib": 0,
}


class TestSimBackend(BackendContract):
    def make_backend(self) -> SimBackend:
        return SimBackend(memory="16MiB", workload=Uniform(rate_pages_s=20_000))


class TestNoisySimBackend(BackendContract):
    def make_backend(self) -> SimBackend:
        return SimBackend(memory="16MiB", workload=Uniform(rate_pages_s=20_000), noise=0.5)


def migrate(policy: Policy | None = None, **settings: Any) -> tuple[list[Iteration], RunStop]:
    *passes, stop = SimBackend(**settings).migrate(GUEST, policy or ThresholdPolicy())
    return passes, stop


def dirty_pages(**settings: Any) -> list[int]:
    return [one.dirty_pages for one in migrate(**settings)[0]]


def test_a_run_is_the_same_to_the_last_digit_on_every_platform():
    costs = {name: number * 1e-4 for number, name in enumerate(FREE_OF_COSTS, 1)}
    workload = HotCold(rate_pages_s=20_000, hot_pages=2_000)
    passes, stop = migrate(workload=workload, noise=0.1, seed=7, warm_up_s=0.15, **costs)
    assert [one.dirty_pages for one in passes] == GOLDEN_PAGES
    assert [repr(one.ended_s) for one in passes] == GOLDEN_ENDS
    assert repr(stop.ended_s) == GOLDEN_END


def test_two_migrations_of_one_backend_are_equal():
    backend = SimBackend(noise=0.2)
    assert list(backend.migrate(GUEST, ThresholdPolicy())) == list(backend.migrate(GUEST, ThresholdPolicy()))


def test_the_caller_s_decimal_context_has_no_say():
    expected = migrate()
    with decimal.localcontext(prec=3, rounding=decimal.ROUND_UP):
        assert migrate() == expected


def migrate_without(*modules: str) -> str:
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({modules}))\n"
        "from xlkit.backends.sim import SimBackend\n"
        "from xlkit.model import Migration\n"
        "from xlkit.policies import ThresholdPolicy\n"
        "events = SimBackend(noise=0.1).migrate(Migration('guest'), ThresholdPolicy())\n"
        "print([(one.dirty_pages, one.ended_s) for one in list(events)[:-1]])\n"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_it_runs_where_there_is_neither_numpy_nor_unix() -> None:
    alone = migrate_without("numpy", "pandas", "ctypes", "fcntl", "mmap", "resource", "select", "socket", "subprocess")
    assert alone == f"{[(one.dirty_pages, one.ended_s) for one in migrate(noise=0.1)[0]]}\n"


def test_python_s_own_decimal_arithmetic_agrees_with_the_one_in_c() -> None:
    assert migrate_without("_decimal") == migrate_without()


def test_an_idle_guest_dirties_the_page_of_its_registers_only():
    assert dirty_pages(workload=Idle()) == [65536, 1, 1]


def test_a_guest_that_takes_no_step_in_between_dirties_nothing():
    passes, stop = migrate(memory="256KiB", bandwidth="1GiB/s", workload=Idle(), **FREE_OF_COSTS)
    assert [one.dirty_pages for one in passes] == [64, 0, 0]
    assert (stop.stop_reason, passes[1].sent_bytes) == (StopReason.MIN_REMAINING, 0)


def test_pass_0_takes_the_time_of_the_whole_memory_at_the_bandwidth():
    passes, _ = migrate(memory="128MiB", bandwidth="64MiB/s", **FREE_OF_COSTS)
    assert passes[0].begun_s == 0.0
    assert passes[0].ended_s == pytest.approx(2.0, rel=1e-6)


def test_what_goes_out_is_a_header_the_runs_and_the_pages() -> None:
    passes, _ = migrate(workload=Sweep(rate_pages_s=1_000))
    assert [one.sent_bytes - one.sent_pages * PAGE_BYTES for one in passes[:2]] == [16 + 8, 16 + 2 * 8]


def test_asking_the_policy_takes_time_that_the_guest_goes_on_in() -> None:
    passes, _ = migrate(workload=Sweep(rate_pages_s=1_000), **FREE_OF_COSTS | {"decide_s": 0.25})
    assert [passes[0].begun_s, passes[1].begun_s - passes[0].ended_s] == pytest.approx([0.25, 0.5])
    assert passes[1].dirty_pages == pytest.approx(1_000 * passes[0].ended_s + 250, abs=3)


def test_the_parts_of_the_downtime_add_up_to_it():
    _, stop = migrate(suspend_s=0.25, resume_s=0.5, collect_s_per_gib=4)
    assert [part.name for part in stop.downtime] == ["suspend", "collect", "copy", "resume"]
    assert sum(part.duration_s for part in stop.downtime) == pytest.approx(stop.downtime_s)
    assert [stop.downtime[n].duration_s for n in (0, 1, 3)] == pytest.approx([0.25, 1.0, 0.5])


def test_the_guest_works_on_until_it_is_suspended_and_not_a_step_longer():
    sweeping = Sweep(rate_pages_s=1_000)
    soon = migrate(workload=sweeping, **FREE_OF_COSTS | {"resume_s": 9.0})[0][-1].dirty_pages
    late = migrate(workload=sweeping, **FREE_OF_COSTS | {"suspend_s": 0.5})[0][-1].dirty_pages
    assert (soon, late) == (0, 501)


def test_a_suspended_guest_writes_nothing_however_long_that_takes() -> None:
    world = SimBackend(collect_s_per_gib=9.0).world()
    world.all_pages()
    world.pause()
    assert world.collect_dirty().pages > 0
    assert world.collect_dirty() == ImaginedPages(pages=0, runs=0)


def test_a_sweep_dirties_as_many_pages_as_it_writes_up_to_the_working_set():
    passes, _ = migrate(workload=Sweep(rate_pages_s=1_000), bandwidth="64MiB/s", **FREE_OF_COSTS)
    assert passes[1].dirty_pages == 4_000 + 1
    assert dirty_pages(workload=Sweep(rate_pages_s=1_000, working_set_pages=50))[1] == 50 + 1


def test_dirty_pages_saturate_at_the_working_set():
    fast = Uniform(rate_pages_s=1_000_000, working_set_pages=1_000)
    assert dirty_pages(workload=fast)[1:] == [1_001] * 5


def test_a_working_set_of_one_page_is_dirty_after_one_write():
    assert dirty_pages(workload=Uniform(rate_pages_s=1_000, working_set_pages=1))[1] == 2
    assert dirty_pages(workload=HotCold(rate_pages_s=1_000, hot_pages=1, hot_share=1.0, working_set_pages=1))[1] == 2


def test_writes_come_in_steps():
    slow = Uniform(rate_pages_s=100)
    passes, _ = migrate(memory="16MiB", workload=slow, **FREE_OF_COSTS)
    in_pass_0 = int(passes[0].ended_s * 100)
    assert passes[1].dirty_pages in {in_pass_0, in_pass_0 + 1, in_pass_0 + 2}


def test_the_stages_go_by_the_guest_s_clock():
    busy_at_first = Stages(
        stages=(
            Stage(duration_s=1.0, workload=Uniform(rate_pages_s=20_000)),
            Stage(duration_s=1.0, workload=Idle()),
        )
    )
    assert dirty_pages(workload=busy_at_first, warm_up_s=0.0)[1] > 10_000
    assert dirty_pages(workload=busy_at_first, warm_up_s=1.0)[1] == 1


WORKLOADS = {
    "idle": Idle(),
    "uniform": Uniform(rate_pages_s=4_000),
    "small uniform": Uniform(rate_pages_s=20_000, working_set_pages=600),
    "sweep": Sweep(rate_pages_s=9_000, working_set_pages=3_000),
    "hot and cold": HotCold(rate_pages_s=10_000, hot_pages=200, hot_share=0.8),
    "all hot": HotCold(rate_pages_s=10_000, hot_pages=300, hot_share=0.5, working_set_pages=300),
    "stages": Stages(
        stages=(
            Stage(duration_s=0.2, workload=Sweep(rate_pages_s=9_000, working_set_pages=1_500)),
            Stage(duration_s=0.1, workload=HotCold(rate_pages_s=10_000, hot_pages=200, working_set_pages=2_000)),
            Stage(duration_s=0.5, workload=Uniform(rate_pages_s=4_000, working_set_pages=1_000)),
        )
    ),
}


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=WORKLOADS)
@pytest.mark.parametrize("window_s", [(0.0, 0.03), (0.05, 0.4), (0.15, 0.25)])
def test_the_law_is_the_mean_of_the_engine_s_guests(workload: Workload, window_s: tuple[float, float]):
    law = SimBackend(memory="16MiB", workload=workload)._law
    steps = [round(second * 1e9 / law.period_ns) for second in window_s]
    pages, runs = [], []
    for seed in range(5):
        program = Program.install(bytearray(16 * 2**20), workload, seed)
        assert round(program.period_s * 1e9) == law.period_ns
        written = np.unique(np.concatenate([[0], *(program.written_pages(step) for step in range(*steps))]))
        pages.append(written.size)
        runs.append(len(pages_to_runs(written)))
    expected = law.dirty(*steps)
    assert expected.pages == pytest.approx(np.mean(pages), rel=0.02, abs=2)
    assert expected.runs == pytest.approx(np.mean(runs), rel=0.04, abs=10)


@given(st.integers(0, 3_000), st.integers(0, 400), st.integers(0, 400), st.sampled_from(list(WORKLOADS)))
def test_a_longer_window_holds_no_fewer_pages_and_no_more_than_its_halves(
    begin: int, length: int, more: int, name: str
):
    law = SimBackend(memory="16MiB", workload=WORKLOADS[name])._law
    middle, end = begin + length, begin + length + more
    whole, halves = law.dirty(begin, end).pages, (law.dirty(begin, middle).pages, law.dirty(middle, end).pages)
    assert max(halves) <= whole <= sum(halves) + 1


def test_the_same_noise_comes_from_the_same_seed_only():
    noisy = [migrate(noise=0.3, seed=seed)[1].ended_s for seed in (1, 1, 2)]
    assert noisy[0] == noisy[1] != noisy[2]


def test_noise_stays_within_its_limits():
    busy, policy = Uniform(rate_pages_s=90_000), AnswersInTurn(*[Decision.CONTINUE] * 80, Decision.ABORT)
    passes, _ = migrate(policy, workload=busy, noise=0.25, **FREE_OF_COSTS)
    bandwidths = [one.sent_bytes / (one.ended_s - one.begun_s) / 125e6 for one in passes]
    assert 0.75 - 1e-6 <= min(bandwidths) < 0.85
    assert 1.15 < max(bandwidths) <= 1.25 + 1e-6


def test_the_setup_says_that_all_is_imagined():
    setup = SimBackend(memory="16MiB", bandwidth="1Gbit/s").preflight(GUEST)
    assert (setup.origin, setup.applied, setup.clock) == (Origin.SIMULATED, Applied.EMBEDDED, "virtual clock")
    assert setup.memory_pages == 4096
    assert setup.settings["memory_bytes"] == 4096 * PAGE_BYTES
    assert setup.settings["workload"] == {"name": "uniform", "rate_pages_s": 10_000, "working_set_pages": None}


def test_nothing_is_verified_since_there_is_no_memory():
    assert migrate()[1].verified is None


def test_a_time_based_policy_sees_the_virtual_clock():
    _, stop = migrate(DowntimeBudgetPolicy(downtime_s=0.05), workload=Uniform(rate_pages_s=5_000))
    assert stop.stop_reason is StopReason.DOWNTIME_BUDGET
    assert stop.downtime_s < 0.05


def test_a_closed_backend_has_no_guest():
    with SimBackend() as backend:
        list(backend.migrate(GUEST, ThresholdPolicy()))
        assert backend.guests() == (Side.DESTINATION,)
    assert backend.guests() == ()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"memory": "128KiB"}, "at least 64 pages"),
        ({"memory": "much"}, "amount of memory"),
        ({"bandwidth": 0}, "above zero"),
        ({"noise": 1}, "noise"),
        ({"noise": True}, "noise"),
        ({"seed": 1.5}, "seed"),
        ({"suspend_s": -1}, "suspend_s"),
        ({"warm_up_s": float("nan")}, "warm_up_s"),
        ({"resume_s": "soon"}, "resume_s"),
        (
            {"memory": "16MiB", "workload": Uniform(rate_pages_s=1, working_set_pages=4096)},
            "the guest has 3839 for data",
        ),
        ({"memory": "16MiB", "workload": HotCold(rate_pages_s=1, hot_pages=4000)}, "writes 4000 pages"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_in_a_sentence(settings: dict[str, Any], said: str):
    with pytest.raises(InvalidValueError, match=said):
        SimBackend(**settings)


def test_data_begin_where_the_engine_says():
    assert 4096 - first_data_page(4096) == 3839
