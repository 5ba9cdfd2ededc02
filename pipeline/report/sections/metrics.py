"""What the Evaluator measured, beside the last blessed model's figures and the limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from components.evaluator.configuration import BY_LABEL
from pipeline.report.content import Block, Cell, Row, Section, Table, Tone
from pipeline.report.material import Material
from pipeline.report.wording import change, count, number, short
from schemas.evaluation import Threshold

_EXAMPLES = "example_count"
_LOWER_IS_BETTER = ("cross_entropy", "calibration_error")
_MOST_PARTS = 12


def metrics(material: Material) -> Section | None:
    """A row for each metric; a table for each fact that the split is parted by."""
    if not material.record.metrics:
        return None
    return Section("Metrics", [_overall(material), *_parts(material)])


def _overall(material: Material) -> Table:
    record, baseline = material.record, material.baseline_metrics
    evaluation = material.experiment.evaluation
    thresholds: Mapping[Any, Threshold] = evaluation.thresholds
    rows: list[Row] = []
    for name, value in record.metrics.items():
        if name == _EXAMPLES:
            continue
        before, limit = baseline.get(name), thresholds.get(name)
        row: list[Cell | str] = [name, _judged(value, before, limit)]
        if baseline:
            changed = Cell("") if before is None else Cell(change(value - before), _tone(name, value - before))
            row += [number(before), changed]
        rows.append([*row, _limits(limit)])
    columns = ("metric", "this model", *(("last blessed", "change") if baseline else ()), "limits")
    images = count(record.metrics[_EXAMPLES])
    compared = "" if baseline else "; there is no earlier blessed model to compare it with"
    caption = f"Over the {images} images of the split {evaluation.split}{compared}."
    return Table(columns, rows, caption)


def _parts(material: Material) -> Iterator[Block]:
    for by, parts in material.slices.items():
        if by == BY_LABEL or len(parts) < 2:
            continue
        worst = sorted(parts.items(), key=lambda part: part[1]["accuracy"])[:_MOST_PARTS]
        rows = [
            [short(name), count(figures[_EXAMPLES]), number(figures["accuracy"]), number(figures["cross_entropy"])]
            for name, figures in worst
        ]
        left_out = f", the {_MOST_PARTS} worst of {len(parts)}" if len(parts) > _MOST_PARTS else ""
        yield Table((by, "images", "accuracy", "cross_entropy"), rows, f"By {by}{left_out}, the worst first.")


def _judged(value: float, before: float | None, limit: Threshold | None) -> Cell:
    return Cell(number(value), "problem" if limit and _misses(value, before, limit) else "plain")


def _misses(value: float, before: float | None, limit: Threshold) -> bool:
    bounds = [limit.min is not None and value < limit.min, limit.max is not None and value > limit.max]
    if before is not None:
        bounds.append(limit.max_drop is not None and before - value > limit.max_drop)
        bounds.append(limit.max_rise is not None and value - before > limit.max_rise)
    return any(bounds)


def _limits(limit: Threshold | None) -> str:
    if limit is None:
        return ""
    words = {"min": "at least", "max": "at most", "max_drop": "may fall by", "max_rise": "may rise by"}
    stated = ((name, getattr(limit, name)) for name in words)
    return ", ".join(f"{words[name]} {value:g}" for name, value in stated if value is not None)


def _tone(name: str, difference: float) -> Tone:
    if abs(difference) < 5e-5:
        return "muted"
    return "good" if (difference < 0) == (name in _LOWER_IS_BETTER) else "problem"
