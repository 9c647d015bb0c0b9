"""read_log() finds the reader, and a run keeps its id."""

import contextlib
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xlkit.errors import LogError
from xlkit.logs import READERS, read_log
from xlkit.model import Status

LAB = Path(__file__).parents[2] / "data" / "logs" / "xen_lab"


def test_a_copy_under_another_name_is_the_same_run(tmp_path: Path) -> None:
    copy = Path(shutil.copy(LAB / "stock-migrate-pv.stderr", tmp_path / "old.log"))
    assert read_log(copy) == read_log(LAB / "stock-migrate-pv.stderr")


def test_line_ends_of_another_system_change_nothing(tmp_path: Path) -> None:
    copy = tmp_path / "old.log"
    copy.write_bytes((LAB / "stock-migrate-pv.stderr").read_bytes().replace(b"\n", b"\r\n"))
    assert read_log(copy).run_id == read_log(LAB / "stock-migrate-pv.stderr").run_id


def test_events_without_their_text_are_read_alone(tmp_path: Path) -> None:
    copy = Path(shutil.copy(LAB / "helper-pvh.events", tmp_path))
    assert read_log(copy).stop.status is Status.INCOMPLETE
    assert read_log(copy).iterations == read_log(LAB / "helper-pvh.events").iterations


def test_a_date_that_the_log_tells_begins_the_id() -> None:
    assert read_log(LAB / "helper-pvh.events").run_id.startswith("20261123T023530004-")
    assert read_log(LAB / "stock-migrate-pv.stderr").run_id.startswith("19700101T")


def test_every_reader_has_both_verbs_and_the_error_lists_all_that_were_tried(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear all,\n")
    with pytest.raises(LogError, match=r"letter\.txt: No reader knows it") as caught:
        read_log(tmp_path / "letter.txt")
    assert all(one.__name__.split(".")[-1] in str(caught.value) for one in READERS)
    assert all(callable(one.sniff) and callable(one.parse) for one in READERS)


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_log(tmp_path / "nothing.log")


@given(st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_of_any_kind_are_a_run_or_a_log_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any"
    path.write_bytes(b"Migration successful.\n" + content)
    assert read_log(path).stop.status in set(Status)
    path.write_bytes(content)
    with contextlib.suppress(LogError):
        read_log(path)


def test_empty_lines_at_the_end_change_nothing(tmp_path: Path) -> None:
    copy = tmp_path / "old.log"
    copy.write_bytes((LAB / "stock-migrate-pv.stderr").read_bytes() + b"\n\n")
    assert read_log(copy).run_id == read_log(LAB / "stock-migrate-pv.stderr").run_id
