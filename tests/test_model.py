"""The records: frozen, told field by field, and honest about what is unknown."""

from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace

import pytest
from hypothesis import given, settings

from tests import strategies
from tests.records import SETUP, a_pass, a_run, a_start, a_stop
from xlkit import model
from xlkit.errors import InvalidValueError
from xlkit.model import Migration, PrecopyStats, Run, Status, meaning, unit

RECORDS = [one for one in vars(model).values() if isinstance(one, type) and is_dataclass(one) and one is not Run]
ENDINGS = {"_pages": "page", "_bytes": "B", "_s": "s"}


@pytest.mark.parametrize("record", RECORDS)
def test_every_field_says_what_it_means(record):
    assert all(meaning(one) for one in fields(record))


@pytest.mark.parametrize("record", RECORDS)
def test_the_unit_of_a_field_is_the_ending_of_its_name(record):
    for one in fields(record):
        wanted = next((ending for ending in ENDINGS if one.name.endswith(ending)), None)
        assert unit(one) == (ENDINGS[wanted] if wanted else ""), one.name


@settings(max_examples=20)
@given(strategies.runs)
def test_no_field_of_a_finished_run_can_be_set(run):
    for record in (run, run.start, run.start.migration, run.start.setup, run.stop, *run.iterations, *run.controls):
        for one in fields(record):
            with pytest.raises(FrozenInstanceError):
                setattr(record, one.name, None)


def test_settings_cannot_be_changed_and_do_not_follow_the_mapping_they_came_from():
    given_settings = {"bandwidth_bytes_s": 1e8}
    setup = replace(SETUP, settings=given_settings)
    given_settings["bandwidth_bytes_s"] = 0.0
    assert setup.settings == {"bandwidth_bytes_s": 1e8}
    assert isinstance(setup.settings, Mapping)
    with pytest.raises(TypeError):
        setup.settings["bandwidth_bytes_s"] = 0.0


@pytest.mark.parametrize("name", ["", "  ", "-rf", "two\nlines", "nul\0", 7, None])
def test_a_name_that_a_command_line_could_misread_is_refused(name):
    with pytest.raises(InvalidValueError, match="domain must be"):
        Migration(name)
    with pytest.raises(InvalidValueError, match="destination must be"):
        Migration("demo", name)


def test_source_is_given_by_name_only():
    with pytest.raises(TypeError):
        Migration("demo", "there", "here")
    assert Migration("demo", source="here").source == "here"


def test_bandwidth_is_unknown_before_the_first_pass_and_after_one_that_sent_nothing():
    before = PrecopyStats(iteration=0, dirty_pages=10, total_written_pages=0)
    assert before.bandwidth_bytes_s is None
    assert replace(before, last_sent_pages=0, last_pass_s=1.0).bandwidth_bytes_s is None
    assert replace(before, last_sent_pages=10, last_pass_s=2.0).bandwidth_bytes_s == 20480


@pytest.mark.parametrize("status", Status)
def test_a_run_is_complete_unless_it_is_running_or_lost_its_end(status):
    run = a_run(stop=a_stop(status=status))
    assert run.complete is (status not in {Status.RUNNING, Status.INCOMPLETE})


def test_a_run_shows_itself_in_one_line():
    run = Run(start=a_start("here"), iterations=(a_pass(0),), stop=a_stop())
    assert repr(run) == "<Run here scripted completed: 1 iterations, stopped by max_iters>"


def test_a_run_is_shown_in_a_notebook_as_a_table_of_its_passes():
    shown = a_run(passes=3, migration=Migration("<web>"))._repr_html_()
    assert shown.count("<tr>") == 4
    assert "&lt;web&gt;" in shown
    assert "downtime 250 ms" in shown


def test_of_very_many_passes_the_first_are_shown_and_the_others_counted():
    assert "and 88 more passes" in a_run(passes=100)._repr_html_()


@given(strategies.runs)
def test_any_run_can_be_shown(run):
    assert run._repr_html_().endswith("</table>")
