"""What a training draws its batches from."""

from __future__ import annotations

import math
from typing import Protocol

import tensorflow as tf

from components.errors import TrainingError
from components.feeding.disk import DiskFeed
from components.feeding.evaluation import LARGEST_SHARE
from components.feeding.free_memory import free_memory
from components.feeding.hybrid import HybridFeed
from components.feeding.memory import MemoryFeed
from components.feeding.replicas import ALONE, Replicas
from components.feeding.source import Reader, Source
from schemas.training import Training

_FEWEST_SEGMENTS = 2
_SHARE_FOR_A_SEGMENT = 0.25


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


def settled(source: Source, training: Training) -> Training:
    """The section with what follows from the free memory decided: the feeder, and hybrid's number of segments.

    A training that goes on later, and every worker of one, must feed alike, so this is to be done once for all.

    Args:
      source: the training split.
      training: the experiment's section.

    Raises:
      TrainingError: the feeder cannot make stratified batches.
    """
    feeder, segments = training.feeder, training.segments
    if feeder == "auto":
        feeder = "memory" if source.num_bytes <= LARGEST_SHARE * free_memory() else "disk"
    if feeder == "hybrid" and segments is None:
        segments = max(_FEWEST_SEGMENTS, math.ceil(source.num_bytes / (_SHARE_FOR_A_SEGMENT * free_memory())))
    if feeder == "disk" and training.stratified:
        why = "there is too little free memory for another one" if training.feeder == "auto" else "as told"
        raise TrainingError(
            f"training.stratified needs examples in memory, but the feeder is disk, {why};"
            " write training.feeder: hybrid, or stratified: false"
        )
    return training.model_copy(update={"feeder": feeder, "segments": segments})


def make_feed(source: Source, training: Training, replicas: Replicas = ALONE) -> Feed:
    """Makes the feed that `training.feeder` names.

    Args:
      source: the training split.
      training: the experiment's section; settled, where several workers train or a training may go on later.
      replicas: of this worker.

    Raises:
      DataError: no file is there, or there are not as many examples as there should be.
      TrainingError: a batch cannot be cut into equal slices, or the feeder cannot do what is asked for.
    """
    training = settled(source, training)
    if training.feeder == "memory":
        return MemoryFeed(Reader(source).decode(), training, replicas)
    if training.feeder == "hybrid":
        return HybridFeed(source, training, replicas)
    return DiskFeed(source, training, replicas)
