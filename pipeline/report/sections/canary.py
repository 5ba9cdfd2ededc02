"""How the servable behaved as a model server would load it."""

from __future__ import annotations

from pipeline.report.content import Cell, Section, Table
from pipeline.report.material import Material


def canary(material: Material) -> Section | None:
    """The checks, and the figures beside their budgets."""
    result = material.canary
    if result is None:
        return None
    checks = [
        [each["name"], Cell(*(("passed", "good") if each["passed"] else ("refused", "problem"))), each["message"] or ""]
        for each in result["checks"]
    ]
    budgets = result["budgets"]
    figures = [
        [name, _shown(value), _shown(budgets[name]) if name in budgets else ""]
        for name, value in result["figures"].items()
    ]
    ending = "All checks passed." if result["passed"] else "The canary refused the model."
    return Section(
        "Canary",
        [
            Table(("check", "result", "what it saw"), checks, ending, num_texts=3),
            Table(("figure", "measured", "budget"), figures, "Figures of serving, and the experiment's budgets."),
        ],
    )


def _shown(value: object) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else "" if value is None else str(value)
