"""The live chart: small, and its state is all that it draws."""

from xlkit.backends.sim import SimBackend
from xlkit.model import Migration
from xlkit.panels import LiveChart
from xlkit.policies import ThresholdPolicy


def test_the_chart_holds_a_row_a_pass():
    *passes, _ = SimBackend().migrate(Migration("guest"), ThresholdPolicy(max_iters=2))
    chart = LiveChart(min_remaining=50)
    chart.draw(passes)
    assert [row[0] for row in chart.rows] == [0, 1, 2]
    assert [row[2] for row in chart.rows] == [False, False, True]
    assert chart.rows[0][1] == 65536


def test_a_front_end_that_comes_late_is_told_everything():
    chart = LiveChart(min_remaining=50)
    chart.draw(())
    assert {"rows", "min_remaining"} <= set(chart.get_state())


def test_the_chart_is_a_few_kilobytes_and_asks_for_nothing():
    code = str(LiveChart._esm) + str(LiveChart._css)
    assert len(code) < 10_000
    assert "import " not in code
    assert "fetch(" not in code
    assert [word for word in code.split() if "://" in word] == ['"http://www.w3.org/2000/svg";']


def test_the_text_of_a_chart_is_a_line_of_facts():
    assert repr(LiveChart()) == "LiveChart(0 passes)"
