"""What reports are made from, written by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.paths import Paths
from pipeline.record import NodeRecord, RunRecord
from pipeline.report.content import Block, Cell, Section, Table, Text
from pipeline.report.material import Material
from schemas.experiment import Experiment

RUN_ID = "20260102T030405-abcd"
EXPERIMENT = {
    "name": "flowers",
    "data": {"source": "flowers"},
    "model": {"backbone": "small_cnn"},
    "evaluation": {"thresholds": {"accuracy": {"min": 0.9, "max_drop": 0.01}, "cross_entropy": {"max": 0.5}}},
}
HOSTILE = ("<script>alert(1)</script>", '"; drop', r"$\frac{1}{2}$", "<!--", "&lt;b&gt;")


def a_record(**values: Any) -> RunRecord:
    """A run that pushed, with other values where they are given."""
    usual: dict[str, Any] = {
        "run_id": RUN_ID,
        "experiment": "flowers",
        "digest": "d" * 64,
        "started": "2026-01-02T03:04:05+00:00",
        "status": "pushed",
        "nodes": {"Trainer": NodeRecord("executed", 8.0), "Pusher": NodeRecord("executed", 2.0)},
        "pushed_version": 17,
        "seconds": 12.3,
    }
    return RunRecord(**{**usual, **values})


def a_material(record: RunRecord | None = None, workspace: Path = Path("workspace"), **read: Any) -> Material:
    """A run's material; `read` is what it would otherwise read from its stages' outputs."""
    experiment = Experiment.model_validate(EXPERIMENT)
    material = Material(record or a_record(), experiment, Paths(workspace.absolute(), "flowers"))
    # What a cached property finds in its place, it does not read.
    vars(material).update(read)
    return material


def a_prediction_table(pairs: list[tuple[int, int]]) -> pa.Table:
    """Predictions of as many images as there are pairs of label and predicted class."""
    count = len(pairs)
    labels, predicted = zip(*pairs, strict=True)
    return pa.table(
        {
            "split": ["test"] * count,
            "source": ["a.tfrecord"] * count,
            "index": range(count),
            "shard": ["examples-00000-of-00001"] * count,
            "row": range(count),
            "label": pa.array(labels, pa.int64()),
            "predicted": pa.array(predicted, pa.int64()),
            "probability": pa.array([0.5 + place / (2 * count) for place in range(count)], pa.float32()),
            "label_probability": pa.array([0.1] * count, pa.float32()),
        }
    )


def texts_of(section: Section | None) -> list[str]:
    """The texts of a section's paragraphs."""
    assert section is not None
    return [block.text for block in section.blocks if isinstance(block, Text)]


def rows_of(block: Block) -> list[list[str]]:
    """What a table says."""
    assert isinstance(block, Table)
    return [[cell.text if isinstance(cell, Cell) else cell for cell in row] for row in block.rows]


def cell_of(block: Block, row: int, column: int) -> Cell:
    """A table's cell that is more than a text."""
    assert isinstance(block, Table)
    cell = block.rows[row][column]
    assert isinstance(cell, Cell)
    return cell
