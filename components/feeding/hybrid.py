"""Batches of a segment of the examples at a time."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from components.errors import TrainingError
from components.feeding.memory import HeldBatches
from components.feeding.order import deal
from components.feeding.replicas import ALONE, Replicas
from components.feeding.source import Decoded, Reader, Source
from schemas.training import Training


class HybridFeed:
    """A `Feed` of which a stratified segment is in memory at a time, and two while one takes the other's place.

    An epoch is a pass over a segment. After `training.segment_epochs` of them comes the next segment; once all
    have been in turn, examples are dealt out anew. The next segment is decoded during the last epoch on the one before.
    """

    def __init__(self, source: Source, training: Training, replicas: Replicas = ALONE) -> None:
        """Reads the labels, and decodes nothing yet.

        Args:
          source: the training split.
          training: the experiment's section, its number of segments decided.
          replicas: of this worker.

        Raises:
          DataError: no file is there, or there are not as many examples as there should be.
          TrainingError: a batch cannot be cut into equal slices, or there are more segments than examples.
        """
        self._reader = Reader(source)
        self._labels = self._reader.labels()
        self._training, self._replicas = training, replicas
        assert training.segments, "settled by make_feed"
        self._num_segments = training.segments
        if self._num_segments > source.num_examples:
            raise TrainingError(
                f"training.segments is {self._num_segments}, but there are only {source.num_examples} examples;"
                " write fewer, or training.feeder: memory"
            )
        smallest = source.num_examples // self._num_segments
        self.num_examples = source.num_examples
        self.batch_size = replicas.batch_size(training.batch_size, smallest)
        self.steps_per_epoch = training.steps_per_epoch or smallest // self.batch_size
        self._loader = ThreadPoolExecutor(max_workers=1)
        self._loading: dict[int, Future[Decoded]] = {}

    def epoch(self, index: int) -> tf.data.Dataset:
        """As `Feed` says; each worker has its slices of one order."""
        turn, epoch_of_turn = divmod(index, self._training.segment_epochs)
        is_last = epoch_of_turn == self._training.segment_epochs - 1
        wanted = [turn, turn + 1] if is_last else [turn]
        self._loading = {turn: self._loading.get(turn) or self._loader.submit(self._segment, turn) for turn in wanted}
        segment = self._loading[turn].result()
        batches = HeldBatches(segment, self._training, self._replicas)
        return batches.epoch(np.arange(len(segment.labels)), index, self.steps_per_epoch, self.batch_size)

    def _segment(self, turn: int) -> Decoded:
        cycle, part = divmod(turn, self._num_segments)
        parts = deal(self._labels, self._num_segments, np.random.default_rng([self._training.seed, cycle]))
        return self._reader.decode(parts == part)
