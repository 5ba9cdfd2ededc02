from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from components.transform.graph import TransformGraph
from schemas import features
from schemas.preprocessing import Preprocessing
from tests.components.images import noise, png
from tests.components.transforms import stored, transform_by, transform_of, transformed

EXAMPLES = [stored(png(noise(5, 4, 3, index)), label=index) for index in range(3)]
PREPROCESSING = Preprocessing(height=4, width=6, channels=3, normalization="standardize")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where a standardising graph was written."""
    transform_of(tmp_path / "transform", EXAMPLES, PREPROCESSING)
    return tmp_path / "transform"


def inputs(with_label: bool) -> dict[str, tf.Tensor]:
    names = (*features.STORED_IMAGE, *((features.LABEL,) if with_label else ()))
    return {name: tf.constant([example[name] for example in EXAMPLES]) for name in names}


def typed(raw: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Whole numbers as int64, as examples have them."""
    return {name: tf.cast(value, tf.int64) if value.dtype == tf.int32 else value for name, value in raw.items()}


def test_the_graph_gives_what_the_layer_of_tensorflow_transform_gives(directory: Path) -> None:
    """Image and label equal those of tf.Transform's own layer, alone and within tf.data; the label may be left out."""
    transform = tft.TFTransformOutput(str(directory))
    expected = transformed(transform, EXAMPLES)
    graph = TransformGraph(transform)
    [in_tf_data] = tf.data.Dataset.from_tensors(typed(inputs(with_label=True))).map(graph)
    for outputs in (graph(typed(inputs(with_label=True))), in_tf_data):
        assert outputs.keys() == {features.TRANSFORMED_IMAGE, features.TRANSFORMED_LABEL}
        for name, values in outputs.items():
            np.testing.assert_array_equal(values, expected[name])
    unlabelled = graph(typed(inputs(with_label=False)))
    assert unlabelled.keys() == {features.TRANSFORMED_IMAGE}
    np.testing.assert_array_equal(unlabelled[features.TRANSFORMED_IMAGE], expected[features.TRANSFORMED_IMAGE])


def test_an_exported_graph_stands_alone(tmp_path: Path) -> None:
    """Saved within a model, a graph needs nothing of its directory any more, even where it reads a vocabulary."""

    def look_up(raw: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {"number": tft.compute_and_apply_vocabulary(raw[features.FORMAT])}

    examples = [stored(b"", image_format=name) for name in ("PNG", "PNG", "GIF")]
    transform = transform_by(look_up, tmp_path / "transform", examples)
    module = tf.Module()
    module.graph = TransformGraph(transform)
    signature = [{features.FORMAT: tf.TensorSpec([None], tf.string, name="format")}]
    module.apply = tf.function(module.graph, input_signature=signature)
    tf.saved_model.save(module, str(tmp_path / "model"))
    shutil.rmtree(tmp_path / "transform")
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    numbers = loaded.apply({features.FORMAT: tf.constant(["GIF", "PNG", "BMP"])})["number"]
    assert numbers.numpy().tolist() == [1, 0, -1]
