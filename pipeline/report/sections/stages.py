"""How long each stage took."""

from __future__ import annotations

from pipeline.record import CACHED, EXECUTED, FAILED, SKIPPED
from pipeline.report.content import Cell, Row, Section, Table, Tone
from pipeline.report.material import Material

_TONES: dict[str, Tone] = {EXECUTED: "plain", CACHED: "muted", FAILED: "problem", SKIPPED: "muted"}


def stages(material: Material) -> Section | None:
    """A row for each stage, with its share of the longest one."""
    nodes = material.record.nodes
    if not nodes:
        return None
    longest = max(node.seconds for node in nodes.values()) or 1.0
    rows: list[Row] = [
        [name, Cell(node.state, _TONES[node.state]), Cell(f"{node.seconds:.2f}", share=node.seconds / longest)]
        for name, node in nodes.items()
    ]
    caption = f"{material.record.seconds:.1f} s from the start of the run to this report, loading included."
    return Section("Stages", [Table(("stage", "state", "seconds"), rows, caption, num_texts=2)])
