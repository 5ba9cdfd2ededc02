"""Batches of examples that are held in memory."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.feeding.order import random_order, stratified_order
from components.feeding.replicas import ALONE, Replicas
from components.feeding.source import Decoded
from schemas.training import Training


class MemoryFeed:
    """A `Feed` over examples in memory, or over a part of them."""

    def __init__(
        self,
        decoded: Decoded,
        training: Training,
        replicas: Replicas = ALONE,
        indices: NDArray | None = None,
    ) -> None:
        """Sets out what to draw from.

        Args:
          decoded: the examples; every worker has the same ones.
          training: the experiment's section.
          replicas: of this worker.
          indices: int64 [part], of the examples to draw from; all where it is None.

        Raises:
          TrainingError: a batch cannot be cut into equal slices.
        """
        self._batches = HeldBatches(decoded, training, replicas)
        self._indices = np.arange(len(decoded.labels)) if indices is None else np.asarray(indices)
        self._training = training
        self.num_examples = len(self._indices)
        self.batch_size = replicas.batch_size(training.batch_size, self.num_examples)
        self.steps_per_epoch = training.steps_per_epoch or self.num_examples // self.batch_size

    def epoch(self, index: int) -> tf.data.Dataset:
        """As `Feed` says; each worker has its slices of one order."""
        return self._batches.epoch(self._indices, index, self.steps_per_epoch, self.batch_size)


class HeldBatches:
    """Examples in memory, of which batches are drawn."""

    def __init__(self, decoded: Decoded, training: Training, replicas: Replicas) -> None:
        self._decoded, self._training, self._replicas = decoded, training, replicas

    def epoch(self, indices: NDArray, index: int, num_steps: int, batch_size: int) -> tf.data.Dataset:
        """This worker's slices of an epoch's batches.

        Args:
          indices: int64 [part], of the examples to draw from.
          index: of the epoch.
          num_steps: batches to draw.
          batch_size: over all replicas.
        """
        random = np.random.default_rng([self._training.seed, index])
        if self._training.stratified:
            order = stratified_order(self._decoded.labels[indices], num_steps, batch_size, random)
        else:
            order = random_order(len(indices), num_steps * batch_size, random)
        slices = indices[order].reshape(num_steps, self._replicas.total, -1)
        first = self._replicas.worker * self._replicas.per_worker
        own = slices[:, first : first + self._replicas.per_worker].reshape(-1, slices.shape[-1])
        batches = gathered(self._decoded, tf.data.Dataset.from_tensor_slices(own))
        return batches.prefetch(self._training.prefetch or tf.data.AUTOTUNE)


def gathered(decoded: Decoded, chosen: tf.data.Dataset) -> tf.data.Dataset:
    """Pairs of pixels, uint8 [batch, height, width, channels], and labels, int64 [batch].

    Args:
      decoded: examples in memory.
      chosen: their indices, int64 [batch].
    """

    def gather(indices: NDArray) -> tuple[NDArray, NDArray]:
        return np.take(decoded.pixels, indices, axis=0), np.take(decoded.labels, indices)

    def gather_in_graph(indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # TensorFlow would hold a copy of the examples: for a while three, where they were read by numpy.
        pixels, labels = tf.numpy_function(gather, [indices], [tf.uint8, tf.int64], stateful=False)
        shape = [*indices.shape, *decoded.pixels.shape[1:]]
        return tf.ensure_shape(pixels, shape), tf.ensure_shape(labels, indices.shape)

    return chosen.map(gather_in_graph, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
