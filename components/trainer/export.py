"""The SavedModel: files' bytes in, classes out, preprocessing inside."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence

import keras
import tensorflow as tf
import tensorflow_transform as tft

from components.transform.graph import TransformGraph
from schemas import features

_NUM_TOP = 5


class Servable(tf.Module):
    """What a model server loads.

    `serving_default` takes files' bytes, string [batch]; `serving_examples` takes serialized
    `tf.Example`s, string [batch]. Both give `class_id` int64 [batch], `label` string [batch],
    `probabilities` float32 [batch, classes], and the highest of them, ranked, `top_labels` string
    and `top_probabilities` float32, both [batch, at most 5].
    """

    def __init__(self, network: keras.Model, transform: tft.TFTransformOutput, labels: Sequence[str]) -> None:
        super().__init__()
        self._network = network
        self._graph = TransformGraph(transform)
        self._labels = tf.constant(list(labels), tf.string)
        spec = transform.raw_feature_spec()
        self._spec = {name: _with_default(name, spec[name]) for name in features.STORED_IMAGE}
        self.assets: list[tf.saved_model.Asset] = []

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name=features.IMAGE_BYTES)])
    def serve_images(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Signature `serving_default`."""
        return self._classify({name: self._filled(name, value, image_bytes) for name, value in self._spec.items()})

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name=features.EXAMPLES)])
    def serve_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Signature `serving_examples`."""
        return self._classify(tf.io.parse_example(examples, self._spec))

    def _filled(self, name: str, spec: tf.io.FixedLenFeature, image_bytes: tf.Tensor) -> tf.Tensor:
        # The facts of a file are not asked for: its own header has them.
        shape = tf.concat([tf.shape(image_bytes), spec.shape], axis=0)
        if name == features.ENCODED:
            return tf.reshape(image_bytes, shape)
        return tf.fill(shape, tf.constant("" if spec.dtype == tf.string else 0, spec.dtype))

    def _classify(self, raw: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        images = self._graph(raw)[features.TRANSFORMED_IMAGE]
        probabilities = tf.nn.softmax(self._network(images, training=False))
        top = tf.math.top_k(probabilities, k=min(_NUM_TOP, len(self._labels)))
        class_id = tf.argmax(probabilities, axis=-1, output_type=tf.int64)
        return {
            features.CLASS_ID: class_id,
            features.CLASS_LABEL: tf.gather(self._labels, class_id),
            features.PROBABILITIES: probabilities,
            features.TOP_LABELS: tf.gather(self._labels, top.indices),
            features.TOP_PROBABILITIES: top.values,
        }


def _with_default(name: str, spec: tf.io.FixedLenFeature) -> tf.io.FixedLenFeature:
    # An example that holds a file needs no more than the file.
    if name == features.ENCODED:
        return spec
    return tf.io.FixedLenFeature(spec.shape, spec.dtype, "" if spec.dtype == tf.string else 0)


def export(servable: Servable, directory: str, labels: Sequence[str], experiment_json: str) -> None:
    """Writes the SavedModel with both signatures, and the labels and the experiment in its assets."""
    with tempfile.TemporaryDirectory() as staging:
        for name, text in (
            (features.LABELS_ASSET, "".join(f"{label}\n" for label in labels)),
            (features.EXPERIMENT_ASSET, experiment_json),
        ):
            path = os.path.join(staging, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            servable.assets.append(tf.saved_model.Asset(path))
        tf.saved_model.save(
            servable,
            directory,
            signatures={
                features.SERVING_SIGNATURE: servable.serve_images,
                features.EXAMPLES_SIGNATURE: servable.serve_examples,
            },
        )
