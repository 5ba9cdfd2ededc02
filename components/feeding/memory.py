"""Batches of examples that are held in memory."""

from __future__ import annotations

import tensorflow as tf
from numpy.typing import NDArray

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
          decoded: the examples; they are not copied.
          training: the experiment's section.
          replicas: of this worker.
          indices: int64 [part], of the examples to draw from; all where it is None.
        """
        self.num_examples = 0
        self.batch_size = 0
        self.steps_per_epoch = 0

    def epoch(self, index: int) -> tf.data.Dataset:
        """As `Feed` says."""
        raise NotImplementedError
