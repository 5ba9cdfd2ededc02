from __future__ import annotations

from pipeline.report.content import Table
from pipeline.report.sections.metrics import metrics
from tests.pipeline.report.materials import a_material, a_record, cell_of, rows_of

METRICS = {"accuracy": 0.95, "cross_entropy": 0.6, "calibration_error": 0.02, "example_count": 1000.0}
OF_A_PART = {"cross_entropy": 0.3, "example_count": 12.0}


def test_beside_the_last_blessed_model() -> None:
    """Each metric with the baseline's, the change, whether that is good, and the limits that the experiment sets."""
    baseline = {"accuracy": 0.97, "cross_entropy": 0.7, "calibration_error": 0.02, "example_count": 1000.0}
    section = metrics(a_material(a_record(metrics=METRICS), baseline_metrics=baseline, slices={}))
    assert section is not None
    [table] = section.blocks
    assert rows_of(table) == [
        ["accuracy", "0.9500", "0.9700", "\N{MINUS SIGN}0.0200", "at least 0.9, may fall by 0.01"],
        ["cross_entropy", "0.6000", "0.7000", "\N{MINUS SIGN}0.1000", "at most 0.5"],
        ["calibration_error", "0.0200", "0.0200", "+0.0000", ""],
    ]
    assert [cell_of(table, row, 1).tone for row in range(3)] == ["problem", "problem", "plain"]
    assert [cell_of(table, row, 3).tone for row in range(3)] == ["problem", "good", "muted"]


def test_a_first_model_has_nothing_to_compare_with() -> None:
    """No empty columns, and the caption says why."""
    section = metrics(a_material(a_record(metrics=METRICS), baseline_metrics={}, slices={}))
    assert section is not None
    [table] = section.blocks
    assert isinstance(table, Table)
    assert list(table.columns) == ["metric", "this model", "limits"]
    assert (
        table.caption
        == "Over the 1,000 images of the split test; there is no earlier blessed model to compare it with."
    )


def test_parts_are_sorted_by_how_bad_they_are() -> None:
    """A table for each fact; classes have a section of their own; of many parts the worst twelve."""
    sources = {f"camera {place}": {"accuracy": 1 - place / 100, **OF_A_PART} for place in range(20)}
    slices = {"label": {"rose": {"accuracy": 0.5, **OF_A_PART}}, "source": sources}
    section = metrics(a_material(a_record(metrics=METRICS), baseline_metrics={}, slices=slices))
    assert section is not None
    _, table = section.blocks
    assert isinstance(table, Table)
    assert rows_of(table)[0] == ["camera 19", "12", "0.8100", "0.3000"]
    assert len(table.rows) == 12
    assert table.caption == "By source, the 12 worst of 20, the worst first."


def test_without_an_evaluation_there_is_nothing() -> None:
    """A run that stopped before has no such section."""
    assert metrics(a_material(a_record())) is None
