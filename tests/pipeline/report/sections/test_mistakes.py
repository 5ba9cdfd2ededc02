from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf
from tfx.types import standard_artifacts

from pipeline.report.content import Pictures
from pipeline.report.material import Material
from pipeline.report.sections.mistakes import mistakes
from schemas import features
from tests.pipeline.report.materials import a_material, a_prediction_table, texts_of


def with_examples(directory: Path, pairs: list[tuple[int, int]]) -> Material:
    """Predictions of images whose brightness is their row."""
    examples = standard_artifacts.Examples()
    examples.uri = str(directory)
    (directory / "Split-test").mkdir()
    with tf.io.TFRecordWriter(str(directory / "Split-test" / "examples-00000-of-00001.tfrecord")) as writer:
        for row in range(len(pairs)):
            example = tf.train.Example()
            file = tf.io.encode_png(np.full((8, 8, 1), row, np.uint8)).numpy()
            example.features.feature[features.ENCODED].bytes_list.value.append(file)
            example.features.feature[features.FORMAT].bytes_list.value.append(b"PNG")
            writer.write(example.SerializeToString())
    given = a_material()
    material = Material(given.record, given.experiment, given.paths, {"examples": [examples]})
    vars(material).update(predictions=a_prediction_table(pairs), labels=["rose", "<b>"])
    return material


def test_the_surest_mistakes_come_first(tmp_path: Path) -> None:
    """Each with its picture, its class, what it is taken for and how surely, and where it is in the source."""
    section = mistakes(with_examples(tmp_path, [(0, 0), (0, 1), (1, 1), (1, 0)]))
    assert section is not None
    [block] = section.blocks
    assert isinstance(block, Pictures)
    assert [picture.caption for picture in block.pictures] == [("<b>", "→ rose 0.875"), ("rose", "→ <b> 0.625")]
    assert (
        block.pictures[0].alternative
        == "Image of class <b>, taken for rose with probability 0.875; a.tfrecord, record 3"
    )
    assert block.pictures[0].uri != block.pictures[1].uri
    assert block.caption.startswith("Taken for another class: 2 of 4 images;")


def test_of_many_mistakes_the_worst_are_shown(tmp_path: Path) -> None:
    """The page stays small however bad the model is."""
    section = mistakes(with_examples(tmp_path, [(0, 1)] * 100))
    assert section is not None
    [block] = section.blocks
    assert isinstance(block, Pictures)
    assert len(block.pictures) == 24
    assert block.pictures[0].alternative.endswith("record 99")


def test_a_model_without_mistakes(tmp_path: Path) -> None:
    """It is told in a sentence."""
    assert texts_of(mistakes(with_examples(tmp_path, [(0, 0), (1, 1)]))) == ["All of 2 images are right."]
