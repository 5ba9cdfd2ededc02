from __future__ import annotations

import json

from components.canary.verdict import Check, Verdict
from pipeline.report.sections.canary import canary
from tests.pipeline.report.materials import a_material, cell_of, rows_of

VERDICT = Verdict(
    [Check("signatures", True, "both are there"), Check("latency_p99_ms", False, "31, at most 30")],
    {"latency_p50_ms": 4.2, "latency_p99_ms": 31.0, "images_per_second": 1234.5, "peak_memory_mb": 700.0},
    {"max_latency_p99_ms": 30.0, "min_images_per_second": 10.0, "max_memory_mb": 800.0},
)


def test_checks_and_figures() -> None:
    """What each check saw, and the figures beside their budgets."""
    section = canary(a_material(canary=json.loads(VERDICT.to_json())))
    assert section is not None
    checks, figures = section.blocks
    assert rows_of(checks) == [
        ["signatures", "passed", "both are there"],
        ["latency_p99_ms", "refused", "31, at most 30"],
    ]
    assert [cell_of(checks, row, 1).tone for row in range(2)] == ["good", "problem"]
    assert rows_of(figures) == [
        ["latency_p50_ms", "4.2", ""],
        ["latency_p99_ms", "31", "at most 30"],
        ["images_per_second", "1,234", "at least 10"],
        ["peak_memory_mb", "700", "at most 800"],
    ]


def test_without_a_canary_there_is_nothing() -> None:
    """A run that stopped before has no such section."""
    assert canary(a_material()) is None
