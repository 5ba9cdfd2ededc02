"""How the servable behaved as a model server would load it."""

from __future__ import annotations

from pipeline.report.content import Cell, Section, Table
from pipeline.report.material import Material

_BOUNDS = {"max": "at most", "min": "at least"}


def canary(material: Material) -> Section | None:
    """The checks, and the figures beside their budgets."""
    result = material.canary
    if result is None:
        return None
    checks = [
        [each["name"], Cell(*(("passed", "good") if each["passed"] else ("refused", "problem"))), each["message"] or ""]
        for each in result["checks"]
    ]
    figures = [[name, _shown(value), _budget(name, result["budgets"])] for name, value in result["figures"].items()]
    ending = "All checks passed." if result["passed"] else "The canary refused the model."
    return Section(
        "Canary",
        [
            Table(("check", "result", "what it saw"), checks, ending, num_texts=3),
            Table(("figure", "measured", "budget"), figures, "Figures of serving, and the experiment's budgets."),
        ],
    )


def _budget(figure: str, budgets: dict[str, float]) -> str:
    """The limit of a figure: `max_memory_mb` is that of `peak_memory_mb`."""
    for key, limit in budgets.items():
        side, _, name = key.partition("_")
        if figure.endswith(name):
            return f"{_BOUNDS[side]} {_shown(limit)}"
    return ""


def _shown(value: float) -> str:
    return f"{value:,.4g}"
