"""What is compared when a run is cut short."""

from dataclasses import replace

from tests.accuracy.ranges import QUANTITIES, checked, simulated, truth_of
from tests.records import a_pass, a_run, a_stop
from xlkit.model import Run, Status


def test_the_truth_is_read_off_the_whole_run():
    truth = truth_of(a_run(passes=4))
    assert (truth.iteration, truth.precopy_s, truth.precopy_bytes, truth.final_pages) == (3, 2.75, 1750 * 4096, 125)


def test_bytes_that_were_not_recorded_are_not_compared():
    whole = a_run(passes=4)
    passes = (a_pass(0, sent_bytes=None), *whole.iterations[1:])
    (found,) = checked([Run(start=whole.start, iterations=passes, stop=whole.stop)], 2)
    assert set(found) == {name for name in QUANTITIES if name != "precopy_bytes"}


def test_a_run_that_did_not_complete_tells_no_truth():
    assert truth_of(replace(a_run(), stop=a_stop(status=Status.ABORTED))) is None


def test_the_guests_are_the_same_each_time():
    first, again = (list(simulated(3, steady=False, noise=0.0)) for _ in range(2))
    assert [one.iterations for one in first] == [one.iterations for one in again]
