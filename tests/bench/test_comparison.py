from __future__ import annotations

import json

import pytest
from rich.console import Console

from tests.bench.bounded_process import Usage
from tests.bench.comparison import UnfinishedError, as_table, compare, read_darkroom, read_stock

STOCK_OUTPUT = """Looking in links: a line that pip prints
{"pushed": true, "imports": 6.0, "stages": {"ImportExampleGen": 5.0, "ExampleValidator": 0.5, "Trainer": 40.0}, \
"accuracy": 0.875}
"""
DARKROOM_OUTPUT = """{"status": "pushed", "pushed_version": 3, "nodes": {\
"ImageExampleGen": {"state": "executed", "seconds": 6.0}, "DataGate": {"state": "executed", "seconds": 0.25}, \
"Trainer": {"state": "executed", "seconds": 10.0}, "Canary": {"state": "executed", "seconds": 1.0}}, \
"metrics": {"accuracy": 0.875}}
"""


def test_medians_are_set_side_by_side() -> None:
    """Each figure is the median of its rounds, each stage meets the one that does its work, and nothing is left out."""
    stock = [read_stock(Usage(seconds, 70.0, 2000.0), STOCK_OUTPUT) for seconds in (50.0, 60.0, 100.0)]
    darkroom = [read_darkroom(Usage(seconds, 35.0, 1000.0), DARKROOM_OUTPUT) for seconds in (20.0, 40.0)]
    rows = {row.name: (row.stock, row.darkroom, row.ratio) for row in compare(stock, darkroom)}
    assert rows == {
        "whole process": (60.0, 30.0, 0.5),
        "outside of the stages": (14.5, 12.75, pytest.approx(12.75 / 14.5)),
        "ImportExampleGen / ImageExampleGen": (5.0, 6.0, 1.2),
        "ExampleValidator / DataGate": (0.5, 0.25, 0.5),
        "Trainer": (40.0, 10.0, 0.25),
        "Canary": (None, 1.0, None),
        "Evaluator and Canary": (0.0, 1.0, None),
        "processor time": (70.0, 35.0, 0.5),
        "peak memory": (2000.0, 1000.0, 0.5),
        "accuracy": (0.875, 0.875, 1.0),
    }


def test_the_table_shows_units_and_what_is_missing() -> None:
    """Seconds, mebibytes and shares are told apart; a stage that only one has is a dash."""
    stock = [read_stock(Usage(60.0, 70.0, 2000.0), STOCK_OUTPUT)]
    darkroom = [read_darkroom(Usage(30.0, 35.0, 1000.0), DARKROOM_OUTPUT)]
    console = Console(width=100)
    with console.capture() as capture:
        console.print(as_table(compare(stock, darkroom), "title"))
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in capture.get().splitlines() if "│" in line]
    assert cells[0] == ["whole process", "60.00 s", "30.00 s", "0.50"]
    assert ["Canary", "–", "1.00 s", ""] in cells
    assert ["peak memory", "2,000 MiB", "1,000 MiB", "0.50"] in cells
    assert cells[-1] == ["accuracy", "0.8750", "0.8750", "1.00"]


@pytest.mark.parametrize(
    "change", [{"status": "unchanged"}, {"nodes": {"Trainer": {"state": "cached", "seconds": 0.1}}}], ids=str
)
def test_less_work_is_no_result(change: dict[str, object]) -> None:
    """A run that pushed nothing, or took a stage from the cache, is never compared."""
    output = json.dumps(json.loads(DARKROOM_OUTPUT) | change)
    with pytest.raises(UnfinishedError, match=r"unchanged|Trainer"):
        read_darkroom(Usage(30.0, 35.0, 1000.0), output)


@pytest.mark.parametrize("output", ["", "no JSON", '{"pushed": false}'])
def test_a_stock_run_without_a_model_is_no_result(output: str) -> None:
    """The opponent has to finish too."""
    with pytest.raises(UnfinishedError):
        read_stock(Usage(60.0, 70.0, 2000.0), output)
