"""Batches of examples that are decoded anew each epoch."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.feeding.replicas import ALONE, Replicas
from components.feeding.source import Reader, Source
from schemas.training import Training

_LARGEST_SEED = 2**31


class DiskFeed:
    """A `Feed` of which no more than a buffer of encoded examples is in memory."""

    def __init__(self, source: Source, training: Training, replicas: Replicas = ALONE) -> None:
        """Sets out what to read.

        Args:
          source: the training split.
          training: the experiment's section.
          replicas: of this worker.

        Raises:
          DataError: no file is there.
          TrainingError: a batch cannot be cut into equal slices.
        """
        self._reader = Reader(source)
        self._training, self._replicas = training, replicas
        self.num_examples = source.num_examples
        self.batch_size = replicas.batch_size(training.batch_size, self.num_examples)
        self.steps_per_epoch = training.steps_per_epoch or self.num_examples // self.batch_size

    def epoch(self, index: int) -> tf.data.Dataset:
        """As `Feed` says; of all examples, each worker decodes its own, which are others in each epoch."""
        seed, replicas = self._training.seed, self._replicas
        records = self._reader.records(np.random.default_rng([seed, index]))
        size = self.batch_size // replicas.total
        num_batches = self.steps_per_epoch * replicas.per_worker
        num_passes = math.ceil(num_batches * size / (self.num_examples // replicas.num_workers))
        seeds = np.random.default_rng([seed, index, replicas.worker]).integers(1, _LARGEST_SEED, num_passes)
        shuffled = _shuffled(records.shard(replicas.num_workers, replicas.worker), self._training.shuffle_buffer, seeds)
        batches = shuffled.batch(size, drop_remainder=True).take(num_batches)
        transformed = batches.map(self._reader.transformed, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        return transformed.prefetch(self._training.prefetch or tf.data.AUTOTUNE)


def _shuffled(records: tf.data.Dataset, buffer_size: int, seeds: NDArray) -> tf.data.Dataset:
    """The records once for each seed, in an order that follows from it alone."""

    def shuffle(seed: tf.Tensor) -> tf.data.Dataset:
        # Within this function's graph: TensorFlow would mix in the program's seed, which others set.
        tf.compat.v1.set_random_seed(1)
        return records.shuffle(buffer_size, seed=seed)

    return tf.data.Dataset.from_tensor_slices(seeds).flat_map(shuffle)
