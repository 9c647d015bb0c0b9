"""Open runs: on disk at once, sealed at the end, found again after a crash, and safe beside other processes."""

import os
import re
import shutil
import signal
import warnings
from contextlib import ExitStack

import pytest

from tests.processes import child, files_limited_to, hear
from tests.records import a_final_pass, a_pass, a_run, a_start, a_stop
from xlkit.errors import StoreError
from xlkit.model import Side, Status
from xlkit.store import Journal, RunStore, StoreWarning, read_runs, write_runs
from xlkit.store import _files as files

RUN_ID = "20261123T120000000-abcdef"


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


def names(store):
    return sorted(one.name for one in store.path.iterdir())


def abandon(store, *events):
    """Leave a journal behind as a killed process does."""
    journal = Journal(store.path, a_start())
    for event in events:
        journal.append(event)
    journal.close()
    return journal.path


def test_the_start_is_on_disk_when_the_block_begins(store):
    with store.journal(a_start()) as journal:
        assert journal.path.read_bytes().endswith(b"\n")
        assert RunStore(store.path)[RUN_ID].start == a_start()


def test_every_event_is_on_disk_when_append_returns(store):
    with store.journal(a_start()) as journal:
        for number in range(3):
            journal.append(a_pass(number))
            assert len(RunStore(store.path)[RUN_ID].iterations) == number + 1


def test_at_the_end_one_parquet_file_takes_the_journals_place(store):
    with store.journal(a_start()) as journal:
        for event in (a_pass(0), a_final_pass(1), a_stop()):
            journal.append(event)
        assert names(store) == [f"{RUN_ID}.jsonl"]
    assert names(store) == [f"{RUN_ID}.parquet"]
    assert store[RUN_ID] == a_run()


def test_a_block_that_is_left_by_an_error_is_sealed_too(store):
    def break_after_a_pass():
        with store.journal(a_start()) as journal:
            journal.append(a_pass(0))
            raise RuntimeError("the caller broke")

    with pytest.raises(RuntimeError):
        break_after_a_pass()
    assert store[RUN_ID].stop.status is Status.INCOMPLETE
    assert store[RUN_ID].iterations == (a_pass(0),)
    assert names(store) == [f"{RUN_ID}.parquet"]


def test_two_runs_of_one_id_are_refused(store):
    with store.journal(a_start()), pytest.raises(StoreError, match="another id"):
        store.journal(a_start()).__enter__()
    with pytest.raises(StoreError, match="another id"):
        store.journal(a_start()).__enter__()


def lose(store, *events):
    """Seal a run that has no end."""
    with store.journal(a_start()) as journal:
        for event in events:
            journal.append(event)


def test_a_run_that_lost_its_end_can_be_told_again_from_its_start(store):
    lose(store, a_pass(0))
    with store.journal(a_start(), again=True) as journal:
        for event in (a_pass(0), a_final_pass(1), a_stop()):
            journal.append(event)
    assert list(store) == [a_run()]
    assert names(store) == [f"{RUN_ID}.parquet"]


def test_what_is_told_again_and_lost_earlier_takes_nothing_away(store):
    lose(store, a_pass(0), a_pass(1))
    with store.journal(a_start(), again=True) as journal:
        journal.append(a_pass(0))
    assert len(store[RUN_ID].iterations) == 2
    assert names(store) == [f"{RUN_ID}.parquet"]


def test_what_is_told_again_by_a_killed_process_takes_nothing_away(store):
    lose(store, a_pass(0), a_pass(1))
    journal = Journal(store.path, a_start(), again=True)
    journal.append(a_pass(0))
    journal.close()
    store.recover()
    assert len(RunStore(store.path)[RUN_ID].iterations) == 2
    assert names(store) == [f"{RUN_ID}.parquet"]


def test_an_event_that_json_cannot_hold_is_refused_and_the_journal_goes_on(store):
    with store.journal(a_start()) as journal:
        with pytest.raises(StoreError, match="Iteration holds what JSON cannot"):
            journal.append(a_pass(0, begun_s=float("inf")))
        journal.append(a_pass(0))
        journal.append(a_stop())
    assert store[RUN_ID].iterations == (a_pass(0),)


def test_a_start_that_json_cannot_hold_leaves_nothing_behind(store):
    with pytest.raises(StoreError, match="RunStart holds what JSON cannot"):
        store.journal(a_start(backend={"a", "set"})).__enter__()
    assert names(store) == []


def test_an_abandoned_journal_is_listed_as_incomplete_and_recovered(store):
    abandon(store, a_pass(0), a_pass(1))
    assert store[RUN_ID].stop.status is Status.INCOMPLETE
    (run,) = store.recover()
    assert run == store[RUN_ID]
    assert run.iterations == (a_pass(0), a_pass(1))
    assert (run.stop.runs_at, run.complete) == (Side.UNKNOWN, False)
    assert "both hosts" in run.stop.message
    assert names(store) == [f"{RUN_ID}.parquet"]
    assert store.recover() == []


def test_a_run_that_was_killed_between_its_end_and_its_sealing_is_recovered_complete(store):
    abandon(store, a_pass(0), a_final_pass(1), a_stop())
    assert store[RUN_ID] == a_run()
    assert store.recover() == [a_run()]


def test_a_run_that_was_killed_between_its_sealing_and_the_removal_is_read_once(store):
    abandon(store, a_pass(0), a_final_pass(1), a_stop())
    write_runs(store.path / f"{RUN_ID}.parquet", [a_run()])
    assert list(store) == [a_run()]
    store.recover()
    assert names(store) == [f"{RUN_ID}.parquet"]


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_a_last_line_that_was_cut_off_is_no_event_and_no_warning(store, cut):
    path = abandon(store, a_pass(0), a_pass(1))
    path.write_bytes(path.read_bytes()[:-cut])
    assert store.recover()[0].iterations == (a_pass(0),)


def test_a_damaged_line_is_passed_over_by_number_and_its_journal_kept(store):
    path = abandon(store, a_pass(0), a_pass(1))
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([lines[0], b"\xff\0\0", *lines[2:]]))
    with pytest.warns(StoreWarning, match=rf"{RUN_ID}\.jsonl: line 2 is passed over"):
        (run,) = store.recover()
    assert run.iterations == (a_pass(1),)
    assert names(store) == [f"{RUN_ID}.damaged", f"{RUN_ID}.parquet"]


@pytest.mark.parametrize("content", [b"", b"hello\n", b'{"event": "stop"}\n'])
def test_a_journal_without_a_start_is_passed_over_by_name_and_left_alone(store, content):
    store.path.mkdir()
    (store.path / "odd.jsonl").write_bytes(content)
    with pytest.warns(StoreWarning, match=r"odd\.jsonl"):
        assert store.recover() == []
    assert names(store) == ["odd.jsonl"]


def test_a_running_journal_is_not_recovered(store):
    with store.journal(a_start()):
        assert RunStore(store.path).recover() == []
        assert store[RUN_ID].stop.status is Status.RUNNING


def test_without_locks_a_journal_counts_as_running_until_it_is_quiet_for_long(store, monkeypatch):
    monkeypatch.setattr(files, "HAS_LOCKS", False)
    path = abandon(store, a_pass(0))
    assert store[RUN_ID].stop.status is Status.RUNNING
    assert store.recover() == []
    os.utime(path, (1, 1))
    assert store[RUN_ID].stop.status is Status.INCOMPLETE
    assert len(store.recover()) == 1


def test_temporary_files_of_killed_processes_go_after_an_hour(store):
    store.add(a_run())
    old, new = store.path / ".a.1.tmp", store.path / ".a.2.tmp"
    old.touch()
    new.touch()
    os.utime(old, (1, 1))
    store.recover()
    assert names(store) == [".a.2.tmp", f"{RUN_ID}.parquet"]


def test_a_full_disk_is_told_by_name_and_costs_only_the_event_that_did_not_fit(store):
    large = a_pass(1, heartbeat_pages=(7,) * 20_000)
    with store.journal(a_start()) as journal:
        journal.append(a_pass(0))
        with files_limited_to(8192), pytest.raises(StoreError, match=rf"Cannot write .*{RUN_ID}\.jsonl.*XLKIT_STORE"):
            journal.append(large)
        journal.append(a_pass(2))
        assert [one.iteration for one in store[RUN_ID].iterations] == [0, 2]
        journal.append(a_stop())
    assert [one.iteration for one in store[RUN_ID].iterations] == [0, 1, 2]


def test_a_message_that_is_no_utf8_comes_back_as_it_was(store):
    stop = a_stop(message="cannot open a\udcff\u2028\x85b\n")
    path = abandon(store, stop)
    assert path.read_bytes().count(b"\n") == 2
    assert store[RUN_ID].stop == stop


def test_no_room_for_the_start_leaves_nothing_behind(store):
    with files_limited_to(10), pytest.raises(StoreError, match=rf"{RUN_ID}\.jsonl"):
        store.journal(a_start()).__enter__()
    assert names(store) == []


def test_a_run_that_cannot_be_sealed_stays_whole_in_its_journal(store):
    with ExitStack() as full_disk, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with store.journal(a_start()) as journal:
            for event in (a_pass(0), a_final_pass(1), a_stop()):
                journal.append(event)
            full_disk.enter_context(files_limited_to(2048))
    assert re.search(rf"Cannot write .*{RUN_ID}\.parquet.*whole in .*{RUN_ID}\.jsonl", str(caught[0].message))
    assert (caught[0].category, names(store)) == (StoreWarning, [f"{RUN_ID}.jsonl"])
    assert store[RUN_ID] == a_run()
    assert store.recover() == [a_run()]


def test_a_folder_that_somebody_removed_during_a_run_is_made_again_for_its_record(store):
    with store.journal(a_start()) as journal:
        for event in (a_pass(0), a_final_pass(1)):
            journal.append(event)
        shutil.rmtree(store.path)
        journal.append(a_stop())
    assert store[RUN_ID] == a_run()


SLOW_RUN = """
def script(policy):
    for number in range(3):
        yield a_pass(number)
        say(f"pass {number}")
    wait()
    yield a_stop()

say(run(Migration("demo"), ThresholdPolicy(), ScriptedBackend(script), store=store).stop.status)
"""


def test_kill_9_in_the_middle_of_a_run_loses_no_iteration_that_had_ended(store):
    with child(SLOW_RUN, store.path) as process:
        hear(process, "pass 0", "pass 1", "pass 2")
        assert store[-1].stop.status is Status.RUNNING
        assert store.recover() == []
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert store[-1].stop.status is Status.INCOMPLETE
    (run,) = store.recover()
    assert run.iterations == tuple(a_pass(number) for number in range(3))
    assert names(store) == [f"{run.run_id}.parquet"]


def test_ctrl_c_in_another_process_ends_its_run_as_aborted(store):
    with child(SLOW_RUN, store.path) as process:
        hear(process, "pass 0", "pass 1", "pass 2")
        process.send_signal(signal.SIGINT)
        assert process.wait() == -signal.SIGINT
    assert store[-1].stop.status is Status.ABORTED
    assert len(store[-1].iterations) == 3


def test_two_processes_write_at_once_while_a_third_lists_recovers_and_compacts(store):
    code = """
for number in range(5):
    run(Migration("demo"), ThresholdPolicy(), ScriptedBackend(), store=store)
say("done")
"""
    with child(code, store.path) as one, child(code, store.path) as two:
        while one.poll() is None or two.poll() is None:
            assert store.recover() == []
            assert all(len(run.iterations) == 2 for run in store if run.complete)
            store.compact()
        hear(one, "done")
        hear(two, "done")
    assert len(store) == 10
    assert {run.stop for run in store} == {a_stop()}


@pytest.mark.slow
@pytest.mark.parametrize("after_lines", [1, 7, 60, 200, 500])
def test_kill_9_at_any_moment_leaves_every_iteration_that_was_announced(store, after_lines):
    code = """
with store.journal(a_start()) as journal:
    for number in range(100_000):
        journal.append(a_pass(number, heartbeat_pages=(7,) * 500))
        say(number)
"""
    with child(code, store.path) as process:
        for _ in range(after_lines):
            process.stdout.readline()
        process.kill()
        announced = [int(line) for line in process.stdout if line.endswith("\n")]
    (run,) = store.recover()
    assert len(run.iterations) > max([after_lines - 1, *announced])
    assert read_runs(store.path / f"{RUN_ID}.parquet") == [run]
