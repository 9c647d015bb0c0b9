import ast
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.backends.dom0.conftest import CARGO, Dom0
from tests.backends.dom0.toolstack import COMPLETE, LOGDIRTY, SUSPEND, on_iteration

EBADF = 9


def test_a_stop_by_max_iters_comes_right_after_so_many_passes(dom0: Dom0) -> None:
    dom0.policy(min_remaining=50, max_iters=3)
    save = dom0.save()
    assert save.run() == 0
    assert save.result == (0, 0)
    assert dom0.calls() == [
        (0, 4096, 0, "continue"), (1, -1, 4096, "continue"), (1, 800, 4096, "continue"), (2, -1, 4896, "continue"),
        (2, 700, 4896, "continue"), (3, -1, 5596, "stop"),
    ]  # fmt: skip


def test_a_stop_by_min_remaining_is_strict_and_its_set_is_sent_live(dom0: Dom0) -> None:
    dom0.script(p2m=4096, dirty=[50, 49])
    dom0.policy(min_remaining=50, max_iters=30)
    dom0.save().run()
    assert dom0.calls()[-3:] == [(1, 50, 4096, "continue"), (2, -1, 4146, "continue"), (2, 49, 4146, "stop")]
    progress = [(one["what"], one["total"]) for one in dom0.events("progress") if one["done"] == one["total"]]
    assert progress[-3:] == [("Frames iteration 2", 49), ("Domain now suspended", 0), ("Frames iteration 2", 12)]


def test_libxl_hears_the_same_conversation_as_from_the_stock_helper(dom0: Dom0) -> None:
    save = dom0.save()
    save.run()
    assert save.numbers == [LOGDIRTY, SUSPEND, LOGDIRTY, COMPLETE]
    assert "libxl-save-helper: starting save" in save.log
    assert "xc: Saving domain 7, type x86 HVM" in save.log


def test_the_events_tell_the_whole_save_on_one_growing_clock(dom0: Dom0) -> None:
    dom0.policy(max_iters=1)
    dom0.save().run()
    kinds = [one["event"] for one in dom0.events() if one["event"] != "progress"]
    assert kinds == [
        "policy", "start", "qemu-logdirty", "layout", "policy-call", "policy-call", "suspend-asked", "suspended",
        "qemu-logdirty", "save-returned", "complete",
    ]  # fmt: skip
    times = [one["t"] for one in dom0.events()]
    assert times == sorted(times)


def test_the_layout_is_proved_before_a_page_is_sent(dom0: Dom0) -> None:
    dom0.script(p2m=4096, dirty=[1], p2m_told=4097)
    save = dom0.save()
    save.run()
    assert save.result[0] == -1
    assert SUSPEND not in save.numbers
    assert not dom0.events("progress")
    assert "layout unknown, aborted before a page was sent" in save.log
    assert dom0.events("layout")[0]["proved"] is False


def test_both_layouts_of_the_statistics_arrive_whole(dom0: Dom0) -> None:
    dom0.version = "4.14"
    dom0.__post_init__()
    dom0.policy(max_iters=2)
    assert dom0.save().run() == 0
    assert dom0.calls()[-1] == (2, -1, 4896, "stop")


def test_the_wrong_layout_is_found_out(dom0: Dom0, libraries: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for name in ("libxenguest", "libxenctrl"):
        (mixed / f"{name}.so.4.17").symlink_to(libraries / "libxenguest.so.4.14")
    dom0.libraries = mixed
    save = dom0.save()
    save.run()
    assert save.result[0] == -1
    assert SUSPEND not in save.numbers
    assert not dom0.events("progress")


def test_a_policy_that_changes_while_it_runs_holds_from_the_next_call(dom0: Dom0) -> None:
    dom0.script(p2m=4096, dirty=[4000], chunk_us=20_000)
    dom0.policy(min_remaining=1, max_iters=10_000)
    save = dom0.save(on_message=on_iteration(2, lambda: dom0.policy(min_remaining=5000, max_iters=10_000, seq=1)))
    assert save.run() == 0
    assert dom0.calls()[-1] == (3, 4000, 12096, "stop")
    assert [one["seq"] for one in dom0.events("policy")] == [0, 1]
    assert dom0.events("policy-call")[-1]["seq"] == 1


def test_stop_now_stops_at_the_next_call(dom0: Dom0) -> None:
    dom0.script(p2m=4096, dirty=[4000], chunk_us=20_000)
    dom0.policy(min_remaining=1, max_iters=10_000)
    save = dom0.save(on_message=on_iteration(1, lambda: dom0.policy(action="stop")))
    assert save.run() == 0
    assert dom0.calls()[-1] == (2, -1, 8096, "stop")


def test_an_abort_asked_before_the_start_sends_nothing(dom0: Dom0) -> None:
    dom0.policy(action="abort")
    save = dom0.save()
    save.run()
    assert dom0.calls() == [(0, 4096, 0, "abort")]
    assert save.numbers == [LOGDIRTY, LOGDIRTY, COMPLETE]
    assert "Abort precopy loop" in save.log


def test_an_abort_cuts_into_pass_0(dom0: Dom0) -> None:
    dom0.script(p2m=1 << 20, dirty=[4000], chunk_us=20_000)
    save = dom0.save(on_message=on_iteration(0, lambda: dom0.policy(action="abort")))
    begun_s = time.monotonic()
    assert save.run() == 0
    assert time.monotonic() - begun_s < 5
    assert save.result == (-1, EBADF)
    assert save.numbers == [LOGDIRTY, LOGDIRTY, COMPLETE], "log-dirty is switched off, the guest is not suspended"


def test_an_abort_reaches_a_write_that_blocks(dom0: Dom0, tmp_path: Path) -> None:
    reading, dom0.stream_fd = os.pipe()
    with os.fdopen(reading, "rb"), os.fdopen(dom0.stream_fd, "wb"):
        dom0.script(p2m=1 << 26, dirty=[1])
        save = dom0.save(on_message=on_iteration(0, lambda: dom0.policy(action="abort")))
        assert save.run() == 0
    assert save.result == (-1, EBADF)


def test_sigterm_ends_it_as_it_ends_the_stock_helper(dom0: Dom0) -> None:
    dom0.script(p2m=1 << 20, dirty=[4000], chunk_us=20_000)
    save = dom0.save()
    save.on_message = on_iteration(0, lambda: save.process.send_signal(signal.SIGTERM))
    assert save.run() == 0
    assert save.result == (-1, EBADF)
    assert [one["why"] for one in dom0.events("cut")] == ["SIGTERM"]


def test_it_switches_log_dirty_off_when_xl_is_killed(dom0: Dom0) -> None:
    dom0.script(p2m=1 << 20, dirty=[4000], chunk_us=20_000)
    save = dom0.save()
    process = save.start()
    while not dom0.events("progress"):
        if dom0.events("qemu-logdirty") == []:
            save.on_message = lambda *_: None
        head = save._read(4)
        length = int.from_bytes(head[:2], sys.byteorder)
        if int.from_bytes(head[2:], sys.byteorder) == LOGDIRTY:
            process.stdin.write(b"\0\0\0\0")
        save._read(length - 2)
    process.stdin.close()
    process.stdout.close()
    assert process.wait(10) == 0
    assert dom0.events("save-returned")[0]["r"] == -1


def test_a_watcher_can_be_asked_at_each_call(dom0: Dom0) -> None:
    dom0.policy(ask=True, answer_within_s=20)
    answers = dom0.folder / "answers"
    answers.write_text("".join(json.dumps({"call": 1 + n, "decision": "continue"}) + "\n" for n in range(12)))
    with answers.open("a") as file:
        file.write(json.dumps({"call": 13, "decision": "stop"}) + "\n")
    dom0.save().run()
    assert dom0.calls()[-1][:2] + dom0.calls()[-1][3:] == (6, 400, "stop")


def test_a_watcher_that_does_not_answer_leaves_the_two_knobs(dom0: Dom0) -> None:
    dom0.policy(ask=True, answer_within_s=0.01, max_iters=2)
    dom0.save().run()
    assert dom0.calls()[-1] == (2, -1, 4896, "stop")
    assert len(dom0.events("policy-unanswered")) == 4


@pytest.mark.parametrize("text", ["{", "[]", '{"max_iters": 0}', '{"min_remaining": "50"}', '{"action": "explode"}'])
def test_a_policy_that_cannot_be_used_changes_nothing(dom0: Dom0, text: str) -> None:
    dom0.script(p2m=4096, dirty=[100], chunk_us=20_000)
    dom0.policy(max_iters=3)
    save = dom0.save(on_message=on_iteration(0, lambda: (dom0.folder / "policy.json").write_text(text)))
    assert save.run() == 0
    assert dom0.calls()[-1][3] == "stop"
    assert len(dom0.calls()) == 6
    assert dom0.events("policy-unreadable")


@pytest.mark.parametrize(
    ("settings", "why"),
    [({"cbflags": 280}, "another message table"), ({"flags": 0}, "not a plain live save")],
)
def test_what_it_does_not_know_runs_in_the_stock_helper(dom0: Dom0, settings: dict[str, int], why: str) -> None:
    save = dom0.save(**settings)
    assert save.run() == 0
    assert (dom0.folder / "stock-ran").read_text().startswith("stock --save-domain")
    assert why in dom0.events("handed-over")[0]["why"]
    assert save.heard == []


@pytest.mark.parametrize("version", ["4.13", "4.23", "9.9"])
def test_another_version_of_xen_runs_in_the_stock_helper(dom0: Dom0, version: str) -> None:
    dom0.version = version
    dom0.__post_init__()
    dom0.save().run()
    assert (dom0.folder / "stock-ran").exists()
    assert f"Xen {version}" in dom0.events("handed-over")[0]["why"]


def test_a_restore_goes_to_the_stock_helper(dom0: Dom0) -> None:
    save = dom0.save()
    subprocess.run([*save.helper, "--restore-domain", "1", "2"], env=save.environment, check=True)
    assert (dom0.folder / "stock-ran").read_text() == "stock --restore-domain 1 2\n"


def test_the_cargo_is_valid_for_python_3_6() -> None:
    for path in CARGO.glob("*.py"):
        ast.parse(path.read_text(), feature_version=(3, 6))
