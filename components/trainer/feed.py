"""Examples on disk as batches of transformed images."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf
import tensorflow_transform as tft

from schemas import features

Batches = tf.data.Dataset
"""Of pairs: images, float32 [batch, height, width, channels], and labels, int64 [batch]."""


class Feed:
    """Batches of one set of files, preprocessed by the Transform stage's graph.

    The training's order is drawn anew for every epoch from a seed: files are interleaved, then
    examples are drawn from a buffer (handbook, "splitting and shuffling").
    """

    def __init__(self, files: Sequence[str], transform: tft.TFTransformOutput, batch_size: int) -> None:
        """Sets out what to read.

        Args:
          files: patterns of TFRecord files.
          transform: output of the Transform stage.
          batch_size: images per batch.
        """
        self._files = sorted(path for pattern in files for path in tf.io.gfile.glob(pattern))
        self._layer = transform.transform_features_layer()
        self._batch_size = batch_size
        spec = transform.raw_feature_spec()
        self._spec = {name: spec[name] for name in (*features.STORED_IMAGE, features.LABEL)}

    def training(self, shuffle_buffer: int, seed: int) -> Batches:
        """Shuffled, without end; every batch is full."""
        examples = self._read().shuffle(shuffle_buffer, seed=seed, reshuffle_each_iteration=True).repeat()
        return self._transformed(examples.batch(self._batch_size, drop_remainder=True))

    def once(self) -> Batches:
        """Every example once, in the order of the files."""
        return self._transformed(self._read().batch(self._batch_size))

    def _read(self) -> tf.data.Dataset:
        files = tf.data.Dataset.from_tensor_slices(self._files)
        return files.interleave(
            tf.data.TFRecordDataset,
            cycle_length=min(len(self._files), 16),
            block_length=16,
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )

    def _transformed(self, batches: tf.data.Dataset) -> Batches:
        def transform(serialized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            outputs = self._layer(tf.io.parse_example(serialized, self._spec))
            return outputs[features.TRANSFORMED_IMAGE], outputs[features.TRANSFORMED_LABEL]

        return batches.map(transform, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
