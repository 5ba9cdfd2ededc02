from __future__ import annotations

from pipeline.report.sections.canary import canary
from tests.pipeline.report.materials import a_material, cell_of, rows_of

RESULT = {
    "passed": False,
    "checks": [
        {"name": "signatures", "passed": True, "message": None},
        {"name": "latency", "passed": False, "message": "p99 is 31 ms; at most 30"},
    ],
    "figures": {"latency_p99_ms": 31.0, "images_per_second": 1234.5},
    "budgets": {"latency_p99_ms": 30.0},
}


def test_checks_and_figures() -> None:
    """What each check saw, and the figures beside their budgets."""
    section = canary(a_material(canary=RESULT))
    assert section is not None
    checks, figures = section.blocks
    assert rows_of(checks) == [["signatures", "passed", ""], ["latency", "refused", "p99 is 31 ms; at most 30"]]
    assert [cell_of(checks, row, 1).tone for row in range(2)] == ["good", "problem"]
    assert rows_of(figures) == [["latency_p99_ms", "31", "30"], ["images_per_second", "1,234", ""]]


def test_without_a_canary_there_is_nothing() -> None:
    """A run that stopped before has no such section."""
    assert canary(a_material()) is None
