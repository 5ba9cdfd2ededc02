"""The images that the model is wrong about and most sure of."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from pipeline.report.content import Picture, Pictures, Section, Text
from pipeline.report.material import Material
from pipeline.report.pictures import Place, picture, pixels_of, read_examples
from pipeline.report.wording import count, counted, short

_MOST = 24


def mistakes(material: Material) -> Section | None:
    """The worst mistakes as pictures, those that the model is most sure of first."""
    table, examples = material.predictions, material.uri("examples")
    if table is None or examples is None or not table.num_rows:
        return None
    wrong = table.filter(pa.compute.not_equal(table.column("label"), table.column("predicted")))
    if not wrong.num_rows:
        return Section("Worst mistakes", [Text(f"All of {counted(table.num_rows, 'image')} are right.", "good")])
    worst = wrong.sort_by([("probability", "descending")]).slice(0, _MOST).to_pylist()
    records = read_examples(examples, [_place(row) for row in worst])
    caption = (
        f"Taken for another class: {count(wrong.num_rows)} of {counted(table.num_rows, 'image')}; those that the model"
        " is most sure of come first. Below each: its class, and what the model says with which probability."
    )
    pictures = [_picture(material, row, records[_place(row)]) for row in worst]
    return Section("Worst mistakes", [Pictures(pictures, caption)])


def _place(row: dict[str, Any]) -> Place:
    return Place(row["split"], row["shard"], row["row"])


def _picture(material: Material, row: dict[str, Any], record: bytes) -> Picture:
    label, predicted = (short(material.label(row[name])) for name in ("label", "predicted"))
    probability = f"{row['probability']:.3f}"
    alternative = (
        f"Image of class {label}, taken for {predicted} with probability {probability};"
        f" {short(row['source'], 60)}, record {row['index']}"
    )
    return picture(pixels_of(record), alternative, (label, f"→ {predicted} {probability}"))
