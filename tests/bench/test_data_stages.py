from __future__ import annotations

import pytest

from tests.bench.data_stages import Run, against_stock, growth


def run(ingestion: float, statistics: float = 0.4, peak: float = 800.0) -> Run:
    return Run({"ImageExampleGen": ingestion, "StatisticsGen": statistics}, peak)


def test_medians_of_the_same_work_are_compared() -> None:
    """One slow round decides nothing; each figure has the limit that it must keep."""
    stock = [Run({"ImportExampleGen": 6.0, "StatisticsGen": 5.0}, 900.0)] * 3
    ingestion, statistics = against_stock(stock, [run(4.5), run(40.0), run(3.0)])
    assert (ingestion.figure, ingestion.is_good) == (0.75, True)
    assert statistics.figure == pytest.approx(0.08)
    assert statistics.is_good
    assert not against_stock(stock, [run(6.5)])[0].is_good
    assert not against_stock(stock, [run(4.0, statistics=2.6)])[1].is_good


def test_growth_is_of_the_work_alone() -> None:
    """A stage that takes a second, and a second per 60,000 images, grows tenfold, however long its start-up."""
    lines = {line.name.partition(",")[0]: line for line in growth([run(1.01), run(9.0)], [run(2.0)], [run(11.0)])}
    assert lines["ImageExampleGen"].figure == pytest.approx(10.0)
    assert lines["ImageExampleGen"].is_good
    assert lines["StatisticsGen"].figure == 0.0
    assert lines["peak memory"].figure == 1.0


def test_what_grows_faster_than_the_images_is_bad() -> None:
    """Time beyond eleven times and memory beyond a fifth more do not keep their limits."""
    lines = growth([run(1.01)], [run(2.0)], [run(13.0, peak=1000.0)])
    assert [line.is_good for line in lines] == [False, True, False]


def test_what_cannot_be_measured_is_not_good() -> None:
    """Where the start-up hides the smaller work, a large one is not taken for none."""
    [ingestion, *_] = growth([run(2.5)], [run(2.4)], [run(500.0)])
    assert not ingestion.is_good
