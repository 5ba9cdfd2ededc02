"""Every example of a split once."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from components.feeding.free_memory import free_memory
from components.feeding.memory import gathered
from components.feeding.replicas import ALONE, Replicas
from components.feeding.source import Decoded, Reader, Source

LARGEST_SHARE = 0.5
"""Of the free memory, that decoded examples may take without being asked to."""


def evaluation(examples: Source | Decoded, batch_size: int, replicas: Replicas = ALONE) -> tf.data.Dataset:
    """Every example once, in the same order each time; decoded once where that takes at most half of the free memory.

    Args:
      examples: a split on disk, or examples in memory.
      batch_size: images per step, over all replicas; rounded up to a multiple of them.
      replicas: of this worker.

    Returns:
      Triples of pixels, uint8 [batch_size / replicas, height, width, channels], labels, int64
      [batch_size / replicas], and weights, float32 [batch_size / replicas], which are 1, or 0 for what
      only fills up. Every batch is full, every worker has the same number of them, and it is a multiple of
      the worker's replicas.

    Raises:
      DataError: no file is there, or there are not as many examples as there should be.
    """
    num_examples = len(examples.labels) if isinstance(examples, Decoded) else examples.num_examples
    size = math.ceil(batch_size / replicas.total)
    num_batches = math.ceil(num_examples / (size * replicas.total)) * replicas.per_worker
    places = np.arange(replicas.worker, num_examples, replicas.num_workers)
    weights = (np.arange(num_batches * size) < len(places)).astype(np.float32).reshape(num_batches, size)
    if isinstance(examples, Source) and examples.num_bytes > LARGEST_SHARE * free_memory():
        batches = _from_disk(examples, replicas, num_batches, size)
    else:
        decoded = Reader(examples).decode() if isinstance(examples, Source) else examples
        padded = np.zeros(num_batches * size, np.int64)
        padded[: len(places)] = places
        batches = gathered(decoded, tf.data.Dataset.from_tensor_slices(padded.reshape(num_batches, size)))
    weighted = tf.data.Dataset.zip((batches, tf.data.Dataset.from_tensor_slices(weights)))
    return weighted.map(lambda examples, weights: (*examples, weights)).prefetch(tf.data.AUTOTUNE)


def _from_disk(source: Source, replicas: Replicas, num_batches: int, size: int) -> tf.data.Dataset:
    reader = Reader(source)
    own = reader.records().shard(replicas.num_workers, replicas.worker)
    padded = own.concatenate(reader.records().take(1).repeat())
    batches = padded.batch(size, drop_remainder=True).take(num_batches)
    return batches.map(reader.transformed, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
