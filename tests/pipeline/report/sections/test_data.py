from __future__ import annotations

from collections import Counter

import pyarrow as pa

from components.image_example_gen.facts import SPLIT
from components.image_example_gen.report import Copies, IngestionReport
from pipeline.report.content import Figure, Section, Table, Values
from pipeline.report.sections.data import data
from schemas import features
from tests.pipeline.report.materials import HOSTILE, a_material, cell_of, rows_of, texts_of


def section_of(labels: list[str], heights: list[int], copies: Copies | None = None) -> Section:
    """The section of images of these heights, dealt out to the classes in turn: all for training but the last two."""
    count = len(heights)
    splits = [*["train"] * (count - 2), "eval", "test"]
    of_images = [place % len(labels) for place in range(count)]
    facts = pa.table(
        {
            SPLIT: splits,
            features.LABEL: of_images,
            features.FORMAT: pa.array([b"PNG"] * (count - 1) + [b"JPEG"], pa.binary()),
            features.HEIGHT: heights,
            features.WIDTH: [8] * count,
            features.CHANNELS: [1] * count,
            features.NUM_BYTES: [100] * count,
            features.MEAN: pa.array([float(place % 256) for place in range(count)], pa.float32()),
        }
    )
    counts: dict[str, Counter[int]] = {split: Counter() for split in splits}
    for split, label in zip(splits, of_images, strict=True):
        counts[split][label] += 1
    report = IngestionReport(
        num_examples=Counter(splits),
        class_counts={split: dict(found) for split, found in counts.items()},
        copies=copies or Copies(),
    )
    section = data(a_material(facts=facts, ingestion=report, labels=labels))
    assert section is not None
    return section


def values_of(section: Section) -> dict[str, str]:
    [values] = [block for block in section.blocks if isinstance(block, Values)]
    return dict(values.pairs)


def test_what_the_images_are() -> None:
    """How many, of which split, format, size and bytes, and what occurs more than once."""
    copies = Copies(num_images=1, num_examples=2, num_leaking=1)
    section = section_of(list(HOSTILE), [8] * 10, copies)
    assert values_of(section) == {
        "images": "10",
        "train": "8 (80%)",
        "eval": "1 (10%)",
        "test": "1 (10%)",
        "format": "PNG (9), JPEG (1)",
        "channels": "1",
        "height × width": "8 pixels × 8 pixels",
        "stored": "1000 bytes",
        "copies": "2 examples of 1 image",
        "in two splits": "1 image",
    }
    assert texts_of(section) == ["There is no earlier data to compare this with."]


def test_classes_by_split() -> None:
    """As bars and as a table, where a class that is missing from a split stands out."""
    section = section_of(list(HOSTILE), [8] * 10)
    bars, brightness = (block for block in section.blocks if isinstance(block, Figure))
    assert bars.description == "5 classes; in the training split from 1 to 2 images each."
    assert brightness.description.startswith("Average brightness of the images: 3.5 in train, 8.0 in eval, 9.0 in test")
    [table] = [block for block in section.blocks if isinstance(block, Table)]
    assert rows_of(table)[3:] == [[HOSTILE[3], "1", "1", "0"], [HOSTILE[4], "1", "0", "1"]]
    assert [cell_of(table, 3, column).tone for column in (1, 2, 3)] == ["plain", "plain", "problem"]


def test_sizes_that_differ_are_drawn() -> None:
    """Where all are alike a line says it."""
    section = section_of(["a", "b"], [4, 6, 8, 10])
    assert values_of(section)["height × width"] == "4 to 10 pixels × 8 pixels"
    [sizes] = [block for block in section.blocks if isinstance(block, Figure) and block.title == "Sizes"]
    assert sizes.description.startswith("Heights from 4 to 10 pixels, half of them up to 7; widths from 8 to 8")


def test_a_thousand_classes() -> None:
    """The rarest have a row, and the figure shows how the counts fall instead of a thousand bars."""
    section = section_of([f"class {label}" for label in range(1000)], [8] * 1500)
    [table] = [block for block in section.blocks if isinstance(block, Table)]
    assert len(table.rows) == 50
    assert table.caption == "The 50 rarest of 1,000 classes, by their training images."
    [falling] = [block for block in section.blocks if isinstance(block, Figure) and "class" in block.title]
    assert falling.title == "Training images per class"
    assert len(falling.svg) < 40_000


def test_without_examples_there_is_nothing() -> None:
    """A run that stopped before has no such section."""
    assert data(a_material()) is None
