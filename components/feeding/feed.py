"""What a training draws its batches from."""

from __future__ import annotations

from typing import Protocol

import tensorflow as tf

from components.feeding.replicas import ALONE, Replicas
from components.feeding.source import Source
from schemas.training import Training


class Feed(Protocol):
    """Batches for this worker's replicas, epoch by epoch."""

    @property
    def num_examples(self) -> int:
        """Examples to draw from, over all workers."""

    @property
    def batch_size(self) -> int:
        """Images per step, over all replicas: `training.batch_size`, or fewer where there are not so many."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch."""

    def epoch(self, index: int) -> tf.data.Dataset:
        """One epoch's batches, in an order that follows from the seed and the index alone.

        Args:
          index: from 0.

        Returns:
          Pairs of pixels, uint8 [batch_size / replicas, height, width, channels], and labels, int64
          [batch_size / replicas]: for each step one for each of this worker's replicas, in their order.
        """


def make_feed(source: Source, training: Training, replicas: Replicas = ALONE) -> Feed:
    """Makes the feed that `training.feeder` names.

    Args:
      source: the training split.
      training: the experiment's section.
      replicas: of this worker.

    Raises:
      TrainingError: a batch cannot be cut into equal slices, or the feeder cannot do what is asked for.
    """
    raise NotImplementedError
