"""The Transform graph, made from examples in memory by tf.Transform itself."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import apache_beam as beam
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam

from components.transform.preprocessing import preprocessing_fn
from schemas import features
from schemas.preprocessing import Preprocessing
from tests.components.images import Values

_TYPES = {
    features.ENCODED: tf.string,
    features.FORMAT: tf.string,
    features.HEIGHT: tf.int64,
    features.WIDTH: tf.int64,
    features.CHANNELS: tf.int64,
    features.LABEL: tf.int64,
}


def stored(content: bytes, label: int = 0, image_format: str = "PNG", shape: Sequence[int] = (0, 0, 0)) -> Values:
    """The features that the Transform graph reads; a file's shape may be anything."""
    values: list[bytes | int] = [content, image_format.encode(), *shape, label]
    return dict(zip(_TYPES, values, strict=True))


def transform_of(
    directory: Path, examples: Sequence[Values], preprocessing: Preprocessing, encoding: str = "compressed"
) -> tft.TFTransformOutput:
    """Analyses examples and writes the graph to a directory, as the Transform stage does."""
    config = {"preprocessing": preprocessing.model_dump_json(), "encoding": encoding}
    return transform_by(functools.partial(preprocessing_fn, custom_config=config), directory, examples)


def transform_by(
    function: Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]], directory: Path, examples: Sequence[Values]
) -> tft.TFTransformOutput:
    """The same for another function than this project's."""
    spec = {name: tf.io.FixedLenFeature([], dtype) for name, dtype in _TYPES.items()}
    metadata = tft.DatasetMetadata.from_feature_spec(spec)
    with tempfile.TemporaryDirectory() as scratch, tft_beam.Context(temp_dir=scratch), beam.Pipeline() as pipeline:
        dataset = (pipeline | beam.Create(list(examples)), metadata)
        graph = dataset | tft_beam.AnalyzeDataset(function)
        _ = graph | tft_beam.WriteTransformFn(str(directory))
        raw = str(directory / tft.TFTransformOutput.RAW_METADATA_DIR)
        _ = metadata | tft_beam.WriteMetadata(raw, pipeline=pipeline)
    return tft.TFTransformOutput(str(directory))


def transformed(transform: tft.TFTransformOutput, examples: Sequence[Values]) -> dict[str, tf.Tensor]:
    """Puts a batch of examples through a Transform graph."""
    columns = {name: tf.constant([example[name] for example in examples], dtype) for name, dtype in _TYPES.items()}
    outputs: dict[str, tf.Tensor] = transform.transform_features_layer()(columns)
    return outputs
