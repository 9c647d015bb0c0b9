import runpy
import struct

from hypothesis import given
from hypothesis import strategies as st

from tests.backends.dom0.conftest import CARGO, Dom0
from tests.backends.dom0.toolstack import COMPLETE, LOGDIRTY, PATCHED, SUSPEND, on_iteration

OBSERVE = runpy.run_path(str(CARGO / "observe_helper.py"))
EBADF = 9


def test_it_sees_every_pass_of_the_stock_helper(dom0: Dom0) -> None:
    dom0.make_stock_save()
    save = dom0.save("observe_helper.py")
    assert save.run() == 0
    assert save.result == (0, 0)
    begun = [one["total"] for one in dom0.events("progress") if one["done"] == 0 and one["total"]]
    assert begun == [4096, 800, 700, 600, 500, 12]


def test_libxl_hears_what_the_stock_helper_says(dom0: Dom0) -> None:
    dom0.make_stock_save()
    seen, alone = dom0.save("observe_helper.py"), dom0.save()
    alone.helper = [str(dom0.stock)]
    seen.run()
    alone.run()
    assert seen.numbers == alone.numbers == [LOGDIRTY, SUSPEND, LOGDIRTY, COMPLETE]
    assert len(seen.heard) == len(alone.heard)


def test_the_events_tell_suspend_and_end(dom0: Dom0) -> None:
    dom0.make_stock_save()
    dom0.save("observe_helper.py").run()
    kinds = [one["event"] for one in dom0.events() if one["event"] != "progress"]
    assert kinds == ["start", "suspend-asked", "suspended", "save-returned"]


def test_an_abort_becomes_sigterm_to_the_stock_helper(dom0: Dom0) -> None:
    dom0.make_stock_save()
    dom0.script(p2m=1 << 20, dirty=[1], chunk_us=20_000)
    save = dom0.save("observe_helper.py", on_message=on_iteration(0, lambda: dom0.policy(action="abort")))
    assert save.run() == 0
    assert save.result == (-1, EBADF)
    assert len(dom0.events("cut")) == 1
    assert dom0.events()[-1]["event"] == "save-returned"


def test_the_numbers_of_a_patched_libxl_are_understood(dom0: Dom0) -> None:
    dom0.make_stock_save()
    cargo = (CARGO / "save_helper.py").read_text()
    for plain, patched in {
        "SUSPEND, LOGDIRTY, COMPLETE = 1, 2, 3, 7, 10": "SUSPEND, LOGDIRTY, COMPLETE = 1, 2, 4, 8, 11",
        "CBFLAGS = 1 << SUSPEND | 1 << LOGDIRTY": "CBFLAGS = 280",
    }.items():
        assert plain in cargo
        cargo = cargo.replace(plain, patched)
    (dom0.folder / "patched.py").write_text(cargo)
    dom0.stock.write_text(dom0.stock.read_text().replace(f"{CARGO}/save_helper.py", f"{dom0.folder}/patched.py"))
    save = dom0.save("observe_helper.py", cbflags=280, numbering=PATCHED)
    assert save.run() == 0
    assert save.result == (0, 0)
    kinds = [one["event"] for one in dom0.events() if one["event"] != "progress"]
    assert kinds == ["start", "suspend-asked", "suspended", "save-returned"]


def test_numbers_it_does_not_know_run_in_the_stock_helper_alone(dom0: Dom0) -> None:
    save = dom0.save("observe_helper.py", cbflags=137)
    assert save.run() == 0
    assert (dom0.folder / "stock-ran").exists()
    assert not dom0.events()


def test_the_table_tells_the_three_numberings_apart() -> None:
    numbers = OBSERVE["numbers"]
    assert (numbers(13, 136), numbers(17, 136), numbers(17, 280)) == ((3, 9), (3, 10), (4, 11))
    assert numbers(9, 136) is numbers(23, 136) is numbers(13, 280) is None


@given(
    messages=st.lists(st.tuples(st.integers(1, 11), st.binary(max_size=40))),
    cuts=st.lists(st.integers(1, 9), min_size=1, max_size=8),
)
def test_messages_come_out_whole_however_the_bytes_arrive(messages: list[tuple[int, bytes]], cuts: list[int]) -> None:
    data = b"".join(struct.pack("=HH", len(body) + 2, number) + body for number, body in messages)
    frames, found, turn = OBSERVE["Frames"](), [], 0
    while data:
        size = cuts[turn % len(cuts)]
        found += frames.feed(data[:size])
        data, turn = data[size:], turn + 1
    assert found == messages
