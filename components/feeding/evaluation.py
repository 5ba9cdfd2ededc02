"""Every example of a split once."""

from __future__ import annotations

import tensorflow as tf

from components.feeding.replicas import ALONE, Replicas
from components.feeding.source import Decoded, Source


def evaluation(examples: Source | Decoded, batch_size: int, replicas: Replicas = ALONE) -> tf.data.Dataset:
    """Every example once, in the same order each time; decoded once where memory allows.

    Args:
      examples: a split on disk, or examples in memory.
      batch_size: images per step, over all replicas; rounded up to a multiple of them.
      replicas: of this worker.

    Returns:
      Triples of pixels, uint8 [batch_size / replicas, height, width, channels], labels, int64
      [batch_size / replicas], and weights, float32 [batch_size / replicas], which are 1, or 0 for what
      only fills up. Every batch is full, every worker has the same number of them, and it is a multiple of
      the worker's replicas.
    """
    raise NotImplementedError
