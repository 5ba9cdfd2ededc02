"""Examples on disk as batches of transformed images."""

from __future__ import annotations

import math
from collections.abc import Sequence

import tensorflow as tf
import tensorflow_transform as tft

from components.transform.graph import TransformGraph
from schemas import features

_BYTES_PER_VALUE = 4
_LARGEST_KEPT = 1 << 30


class Feed:
    """Batches of one set of files, preprocessed by the Transform stage's graph.

    The training's order is drawn anew for every epoch from a seed: from all images where they are
    kept in memory, else from a buffer of examples that is filled from interleaved files.
    """

    def __init__(
        self, files: Sequence[str], transform: tft.TFTransformOutput, batch_size: int, num_kept: int | None
    ) -> None:
        """Sets out what to read.

        Args:
          files: patterns of TFRecord files.
          transform: output of the Transform stage.
          batch_size: images per batch.
          num_kept: how many images there are, to keep them in memory; None reads them anew each epoch.
        """
        self._files = sorted(path for pattern in files for path in tf.io.gfile.glob(pattern))
        self._graph = TransformGraph(transform)
        self._batch_size = batch_size
        self._num_kept = num_kept
        spec = transform.raw_feature_spec()
        self._spec = {name: spec[name] for name in (*features.STORED_IMAGE, features.LABEL)}

    def training(self, shuffle_buffer: int, seed: int) -> tf.data.Dataset:
        """Shuffled, without end; every batch is full."""
        if self._num_kept is None:
            examples = self._read().shuffle(shuffle_buffer, seed=seed).repeat()
            batches = self._transformed(examples.batch(self._batch_size, drop_remainder=True))
        else:
            images = self._transformed(self._read().batch(self._batch_size)).unbatch().cache()
            batches = images.shuffle(self._num_kept, seed=seed).repeat().batch(self._batch_size, drop_remainder=True)
        return batches.prefetch(tf.data.AUTOTUNE)

    def once(self) -> tf.data.Dataset:
        """Every example once, in the order of the files."""
        batches = self._transformed(self._read().batch(self._batch_size))
        return (batches if self._num_kept is None else batches.cache()).prefetch(tf.data.AUTOTUNE)

    def _read(self) -> tf.data.Dataset:
        files = tf.data.Dataset.from_tensor_slices(self._files)
        return files.interleave(
            tf.data.TFRecordDataset,
            cycle_length=min(len(self._files), 16),
            block_length=16,
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )

    def _transformed(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        """Pairs of images, float32 [batch, height, width, channels], and labels, int64 [batch]."""

        def transform(serialized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            outputs = self._graph(tf.io.parse_example(serialized, self._spec))
            return outputs[features.TRANSFORMED_IMAGE], outputs[features.TRANSFORMED_LABEL]

        return batches.map(transform, num_parallel_calls=tf.data.AUTOTUNE)


def keeps_in_memory(feeder: str, num_images: int, image_shape: tuple[int, int, int]) -> bool:
    """Whether transformed images are kept after the first epoch.

    Args:
      feeder: `memory`, `disk`, or `auto`, which keeps at most 1 GiB of float32 values.
      num_images: in all splits that are read.
      image_shape: height, width, channels.
    """
    if feeder == "auto":
        return num_images * math.prod(image_shape) * _BYTES_PER_VALUE <= _LARGEST_KEPT
    return feeder == "memory"
