"""The table of measurements judges medians and says why a row was left out."""

import pytest

from tests.benchmarks.__main__ import _all_rows, main
from tests.benchmarks.table import Row, Skipped, measured_line


def row(values: list[float], **bounds: float) -> Row:
    return Row(name="toy", what="a toy", measure=lambda pairs: values[:pairs], **bounds)


@pytest.mark.parametrize(
    ("bounds", "verdict", "missed"),
    [
        ({"at_least": 2.0}, "ok", False),
        ({"at_least": 2.1}, "MISSED", True),
        ({"at_most": 1.9}, "MISSED", True),
        ({}, "-", False),
    ],
)
def test_the_median_decides(bounds: dict[str, float], verdict: str, missed: bool) -> None:  # noqa: FBT001
    line, row_missed = measured_line(row([9.0, 1.0, 2.0, 0.0], **bounds), 3)
    assert line.split()[-3:] == ["1-9", "3", verdict]
    assert row_missed is missed


def test_a_row_that_cannot_be_measured_is_no_failure() -> None:
    def measure(_: int) -> list[float]:
        raise Skipped("no QEMU here")

    line, missed = measured_line(Row(name="toy", what="a toy", measure=measure, at_least=1.0), 3)
    assert line.endswith("skipped: no QEMU here")
    assert not missed


def test_every_row_has_a_name_of_its_own() -> None:
    names = [row.name for row in _all_rows()]
    assert len(names) == len(set(names)) > 10


def test_an_unknown_row_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nothing"])
    assert "no row nothing; there are bandwidth" in capsys.readouterr().err
