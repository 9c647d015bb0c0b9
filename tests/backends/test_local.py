"""The live engine as a backend: real guests, real pages, loopback only."""

import gc
import subprocess
import sys

import pytest

from tests.faults.scene import MIGRATION, POLICY, Scene, alive, gone, listening, open_fds
from xlkit.backends.local import LocalBackend
from xlkit.engine import hello
from xlkit.engine.memory import page_view
from xlkit.engine.workload import HotCold, Idle, Stage, Stages, Uniform
from xlkit.errors import EngineError, InvalidValueError, PreflightError
from xlkit.model import Knowledge, Phase, Side, Status
from xlkit.policies import ThresholdPolicy

SMALL = {"memory": "16MiB", "workload": Uniform(rate_pages_s=5_000)}
STAGES = Stages(stages=(Stage(duration_s=0.1, workload=Idle()), Stage(duration_s=1, workload=SMALL["workload"])))


def migrate(policy=POLICY, **settings):
    with LocalBackend(**{**SMALL, **settings}) as backend:
        *passes, stop = backend.migrate(MIGRATION, policy)
    return passes, stop


@pytest.mark.parametrize(
    "settings",
    [
        {"tracker": "marks", "transport": "portable"},
        {"suspend": "hard", "verify": "hold"},
        pytest.param({"workload": STAGES}, marks=pytest.mark.slow),
        pytest.param({"workload": HotCold(rate_pages_s=20_000, hot_pages=100), "seed": 7}, marks=pytest.mark.slow),
    ],
)
def test_the_memory_that_arrives_is_the_memory_that_left(settings):
    _, stop = migrate(**settings)
    assert (stop.status, stop.verified, stop.runs_at) == (Status.COMPLETED, True, Side.DESTINATION)


def test_a_page_that_was_not_sent_is_found_by_the_comparison():
    def spoil(scene):
        page_view(scene.backend._household.domain.memory.map)[-1] ^= 1

    with Scene({"retired": spoil}) as scene:
        stop = scene.migrate()[-1]
    assert (stop.status, stop.verified, stop.runs_at) == (Status.FAILED, False, Side.DESTINATION)
    assert "differs" in stop.message


@pytest.mark.slow
def test_a_page_that_was_not_sent_keeps_a_held_guest_at_the_source():
    def spoil(scene):
        page_view(scene.backend._household.domain.memory.map)[-1] ^= 1

    with Scene({"final pass": spoil}, verify="hold", tracker="marks") as scene:
        with pytest.raises(EngineError, match=r"differs.*runs on at the source"):
            scene.migrate()
        assert scene.sides() == [Side.SOURCE]


@pytest.mark.slow
def test_without_a_comparison_nothing_is_claimed():
    assert migrate(verify=None)[1].verified is None


def test_the_parts_of_the_downtime_are_told_and_add_up():
    _, stop = migrate(verify="hold")
    parts = {part.name: part for part in stop.downtime}
    assert list(parts) == ["suspend", "collect", "copy", "verify", "resume", "guest_silent"]
    assert {part.knowledge for part in stop.downtime} == {Knowledge.EXACT}
    silent_s = parts.pop("guest_silent").duration_s
    # Some microseconds lie between two parts, more where the processor was taken away just then.
    assert sum(part.duration_s for part in parts.values()) == pytest.approx(stop.downtime_s, rel=0.2, abs=2e-3)
    assert silent_s >= stop.downtime_s - parts["suspend"].duration_s


def test_across_two_machines_no_clocks_are_compared(monkeypatch):
    monkeypatch.setattr(hello, "machine", lambda: "elsewhere")
    with listening(token="t") as address:
        _, stop = migrate(connect=address, token="t")
    knowledge = {part.name: part.knowledge for part in stop.downtime}
    assert (knowledge["resume"], knowledge["guest_silent"]) == (Knowledge.AT_MOST, Knowledge.UNKNOWN)
    assert (stop.status, stop.verified) == (Status.COMPLETED, True)


def test_the_heartbeat_is_gapless_and_counts_what_the_guest_writes():
    passes, _ = migrate(policy=ThresholdPolicy(min_remaining=1, max_iters=3), bandwidth="500Mbit/s")
    ends_s = [one.heartbeat_begun_s + len(one.heartbeat_pages) / 1000 for one in passes]
    assert passes[0].heartbeat_begun_s == pytest.approx(-0.15, abs=0.01)
    assert [one.heartbeat_begun_s for one in passes[1:]] == pytest.approx(ends_s[:-1])
    baseline = passes[0].heartbeat_pages[:140]
    # 5000 data pages a second, and the registers at each of 1000 steps, if the processor is there.
    assert 0.2 * 140 * 6 < sum(baseline) < 2 * 140 * 6


def test_the_heartbeat_stops_while_the_guest_is_paused():
    passes, _ = migrate(memory="1MiB", bandwidth="20Mbit/s", policy=ThresholdPolicy(min_remaining=2**32 - 1))
    final = passes[-1]
    assert final.phase is Phase.STOP_AND_COPY
    begun_ms, ended_ms = ((time_s - final.heartbeat_begun_s) * 1000 for time_s in (final.begun_s, final.ended_s))
    paused_ms = slice(int(begun_ms) + 1, int(ended_ms))
    assert len(final.heartbeat_pages[paused_ms]) > 20
    assert sum(final.heartbeat_pages[paused_ms]) == 0


@pytest.mark.slow
def test_a_set_bandwidth_is_kept():
    first = migrate(bandwidth="400Mbit/s")[0][0]
    assert first.sent_bytes / (first.ended_s - first.begun_s) == pytest.approx(50e6, rel=0.1)


def test_preflight_records_every_setting_but_the_token():
    setup = LocalBackend(**SMALL, connect=None, bandwidth="1Gbit/s", tracker="marks").preflight(MIGRATION)
    assert setup.settings["bandwidth_bytes_s"] == 125e6
    assert setup.settings["workload"]["name"] == "uniform"
    assert {"tracker", "transport", "congestion_control", "suspend", "verify", "seed"} <= set(setup.settings)
    assert "token" not in setup.settings
    assert "secret" not in repr(LocalBackend(connect=("host", 1), token="secret"))
    assert {"python", "numpy", "kernel", "xlkit"} <= set(setup.versions)


def test_preflight_refuses_a_guest_that_does_not_fit():
    with pytest.raises(PreflightError, match="smaller guest"):
        LocalBackend(memory="8TiB", workload=Idle()).preflight(MIGRATION)


def test_preflight_says_when_nobody_listens():
    backend = LocalBackend(**SMALL, connect=("127.0.0.1", 9), token="any")
    with pytest.raises(PreflightError, match="xlkit receive"):
        backend.preflight(MIGRATION)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"memory": "much"}, "256MiB"),
        ({"memory": "64KiB"}, "at least 64 pages"),
        ({"bandwidth": 0}, "above zero"),
        ({"workload": "uniform"}, "such as Uniform"),
        ({"workload": Uniform(rate_pages_s=1, working_set_pages=10**6)}, "smaller working set"),
        ({"tracker": "guess"}, "tracker must be one of"),
        ({"transport": "post"}, "transport must be one of"),
        ({"suspend": "maybe"}, "suspend must be one of"),
        ({"verify": "trust"}, "verify must be one of"),
        ({"seed": -1}, "seed must lie between"),
        ({"connect": "host:1", "token": "t"}, "pair of host and port"),
        ({"connect": ("host", 1)}, "needs token="),
        ({"token": "t"}, "goes with connect="),
    ],
)
def test_a_setting_that_cannot_be_used_gets_one_sentence(setting, said):
    with pytest.raises(InvalidValueError, match=said):
        LocalBackend(**{**SMALL, **setting})


def test_a_booted_guest_runs_at_the_source_and_is_the_one_that_is_migrated():
    with Scene() as scene:
        scene.backend.boot()
        (booted,) = scene.backend.guests()
        assert (booted.side, booted.running) == (Side.SOURCE, True)
        events = scene.backend.migrate(MIGRATION, POLICY)
        next(events)
        assert booted.pid in {one.pid for one in scene.backend.guests()}
        events.close()
        assert scene.backend.guests() == (booted,)


def test_a_backend_does_one_migration_at_a_time():
    with LocalBackend(**SMALL) as backend:
        events = backend.migrate(MIGRATION, POLICY)
        next(events)
        with pytest.raises(EngineError, match="in the middle"):
            next(backend.migrate(MIGRATION, POLICY))
        events.close()


def test_a_backend_that_is_forgotten_ends_what_it_started():
    before = open_fds()
    scene = Scene()
    scene.migrate()
    pids = scene.pids
    assert alive(pids)
    del scene
    gc.collect()
    assert gone(pids)
    assert open_fds() == before


def test_the_migrator_needs_no_heavy_library():
    heavy = "{'pandas', 'plotly', 'pyarrow', 'ipywidgets', 'paramiko', 'click', 'asyncio'}"
    script = f"import sys, xlkit.backends.migrator, xlkit.engine.receiver; print({heavy} & set(sys.modules) or 'none')"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "none"
