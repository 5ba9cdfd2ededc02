"""Where the examples of a split are, and how they become pixels."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from numpy.typing import NDArray

from components.errors import DataError
from components.transform.graph import TransformGraph
from schemas import features

_MOST_FILES_AT_ONCE = 16
_RECORDS_IN_A_ROW = 16
_LARGEST_BATCH = 1024
# Of float32, which the Transform graph gives: a batch of many small images is faster, of large ones too much to hold.
_VALUES_PER_BATCH = 1 << 23


class Source(NamedTuple):
    """One split on disk."""

    files: Sequence[str]
    """Patterns of TFRecord files."""
    transform: tft.TFTransformOutput
    """Output of the Transform stage."""
    shape: tuple[int, int, int]
    """Height, width and channels after it."""
    num_examples: int

    @property
    def num_bytes(self) -> int:
        """Of the decoded examples in memory."""
        return self.num_examples * math.prod(self.shape)


class Decoded(NamedTuple):
    """Examples in memory."""

    pixels: NDArray
    """uint8 [examples, height, width, channels]."""
    labels: NDArray
    """int64 [examples]."""


class Reader:
    """Reads a split, by the Transform stage's graph."""

    def __init__(self, source: Source) -> None:
        """Loads the graph.

        Raises:
          DataError: no file is there.
        """
        self._source = source
        self._files = sorted(path for pattern in source.files for path in tf.io.gfile.glob(pattern))
        if not self._files:
            raise DataError(f"there are no files to train on: nothing matches {', '.join(source.files)}")
        self._graph = TransformGraph(source.transform)
        spec = source.transform.raw_feature_spec()
        self._spec = {name: spec[name] for name in (*features.STORED_IMAGE, features.LABEL)}

    def records(self, random: np.random.Generator | None = None) -> tf.data.Dataset:
        """Serialized examples, string scalars, of interleaved files.

        Args:
          random: draws the order of the files; None takes them by name, which is the order of all positions.
        """
        files = (
            self._files if random is None else [self._files[index] for index in random.permutation(len(self._files))]
        )
        return tf.data.Dataset.from_tensor_slices(files).interleave(
            tf.data.TFRecordDataset,
            cycle_length=min(len(files), _MOST_FILES_AT_ONCE),
            block_length=_RECORDS_IN_A_ROW,
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )

    def transformed(self, serialized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Applies the graph.

        Args:
          serialized: string [batch].

        Returns:
          Pixels, uint8 [batch, height, width, channels], and labels, int64 [batch].
        """
        outputs = self._graph(tf.io.parse_example(serialized, self._spec))
        pixels = tf.cast(outputs[features.TRANSFORMED_PIXELS], tf.uint8)
        return tf.ensure_shape(pixels, [None, *self._source.shape]), outputs[features.TRANSFORMED_LABEL]

    def labels(self) -> NDArray:
        """int64 [examples], by position; no image is decoded."""
        spec = {features.LABEL: self._spec[features.LABEL]}
        batches = self.records().batch(_LARGEST_BATCH)
        parsed = batches.map(
            lambda serialized: tf.reshape(tf.io.parse_example(serialized, spec)[features.LABEL], [-1]),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        labels = np.concatenate([*parsed.as_numpy_iterator()])
        self._refuse_other_number(len(labels))
        return labels

    def decode(self, chosen: NDArray | None = None) -> Decoded:
        """Decodes examples, in the order of their positions, on all processors.

        Args:
          chosen: bool [examples], by position; all where it is None.

        Raises:
          DataError: there are not as many examples as there should be.
        """
        num_examples = self._source.num_examples if chosen is None else int(np.count_nonzero(chosen))
        decoded = Decoded(np.empty((num_examples, *self._source.shape), np.uint8), np.empty(num_examples, np.int64))
        records = self.records() if chosen is None else _only(self.records(), chosen)
        batch_size = min(_LARGEST_BATCH, max(1, _VALUES_PER_BATCH // math.prod(self._source.shape)))
        batches = records.batch(batch_size).map(self.transformed, num_parallel_calls=len(os.sched_getaffinity(0)))
        end = 0
        for pixels, labels in batches.prefetch(1).as_numpy_iterator():
            start, end = end, end + len(labels)
            if end <= num_examples:
                decoded.pixels[start:end], decoded.labels[start:end] = pixels, labels
        if chosen is None:
            self._refuse_other_number(end)
        return decoded

    def _refuse_other_number(self, num_examples: int) -> None:
        if num_examples != self._source.num_examples:
            raise DataError(
                f"{', '.join(self._source.files)}: there are {num_examples} examples where ingestion wrote"
                f" {self._source.num_examples}; remove the workspace's artifacts and run again"
            )


def _only(records: tf.data.Dataset, chosen: NDArray) -> tf.data.Dataset:
    """The records at chosen positions."""
    positions = tf.data.Dataset.from_tensor_slices(chosen)
    pairs = tf.data.Dataset.zip((records, positions))
    return pairs.filter(lambda _, is_chosen: is_chosen).map(lambda record, _: record)
