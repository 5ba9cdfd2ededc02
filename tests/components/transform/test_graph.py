from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from components.transform.graph import TransformGraph, normalization_of
from schemas import features
from schemas.preprocessing import Normalization, Preprocessing
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
    """All outputs equal those of tf.Transform's own layer, alone and within tf.data; the label may be left out."""
    transform = tft.TFTransformOutput(str(directory))
    expected = transformed(transform, EXAMPLES)
    graph = TransformGraph(transform)
    [in_tf_data] = tf.data.Dataset.from_tensors(typed(inputs(with_label=True))).map(graph)
    for outputs in (graph(typed(inputs(with_label=True))), in_tf_data):
        assert outputs.keys() == {"pixels", "image", "normalization", "label"}
        for name, values in outputs.items():
            np.testing.assert_array_equal(values, expected[name])
    unlabelled = graph(typed(inputs(with_label=False)))
    assert unlabelled.keys() == {"pixels", "image", "normalization"}
    np.testing.assert_array_equal(unlabelled[features.TRANSFORMED_IMAGE], expected[features.TRANSFORMED_IMAGE])


@pytest.mark.parametrize(("kind", "channels"), [*((kind, 3) for kind in get_args(Normalization)), ("imagenet_bgr", 1)])
def test_the_graphs_normalization_can_be_applied_apart(kind: Any, channels: Any, tmp_path: Path) -> None:
    """Read from the graph, it turns the graph's pixels into the graph's image, to the bit; training does so."""
    preprocessing = Preprocessing(height=4, width=6, channels=channels, normalization=kind)
    transform = transform_of(tmp_path, EXAMPLES, preprocessing)
    outputs = transformed(transform, EXAMPLES)
    normalization = normalization_of(transform, preprocessing)
    np.testing.assert_array_equal(normalization(outputs["pixels"]), outputs["image"])
    np.testing.assert_array_equal(
        outputs["normalization"], np.tile([[normalization.offset, normalization.scale]], (3, 1, 1))
    )
    assert outputs["normalization"].shape == (3, 2, channels)


def test_the_normalization_of_stored_pixels_can_be_read(tmp_path: Path) -> None:
    """Also from a graph that was made for pixels without a file."""
    raw = [stored(noise(5, 4, 3, seed).tobytes(), 0, "RAW", (5, 4, 3)) for seed in range(2)]
    transform = transform_of(tmp_path, raw, PREPROCESSING, "raw")
    outputs = transformed(transform, raw)
    normalization = normalization_of(transform, PREPROCESSING)
    np.testing.assert_array_equal(normalization(outputs["pixels"]), outputs["image"])


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
