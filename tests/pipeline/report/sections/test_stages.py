from __future__ import annotations

from pipeline.record import NodeRecord
from pipeline.report.sections.stages import stages
from tests.pipeline.report.materials import a_material, a_record, cell_of, rows_of


def test_time_by_stage() -> None:
    """Each stage with its state, its seconds, and a bar as long as its share of the longest."""
    nodes = {"Trainer": NodeRecord("cached", 8.0), "Evaluator": NodeRecord("failed", 2.0)}
    section = stages(a_material(a_record(nodes=nodes)))
    assert section is not None
    [table] = section.blocks
    assert rows_of(table) == [["Trainer", "cached", "8.00"], ["Evaluator", "failed", "2.00"]]
    assert [cell_of(table, row, 2).share for row in range(2)] == [1.0, 0.25]
    assert cell_of(table, 1, 1).tone == "problem"


def test_a_run_without_stages_says_nothing() -> None:
    """It failed while it was loading; stages that took no time have no bar."""
    assert stages(a_material(a_record(nodes={}))) is None
    assert stages(a_material(a_record(nodes={"Pusher": NodeRecord("skipped", 0.0)}))) is not None
