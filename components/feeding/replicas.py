"""Which part of every batch a process feeds."""

from __future__ import annotations

from typing import NamedTuple

from components.errors import TrainingError


class Replicas(NamedTuple):
    """The replicas of one worker among those of all.

    A batch is cut into as many equal slices as there are replicas; those of the first worker come first.
    """

    num_workers: int = 1
    worker: int = 0
    """This one, from 0."""
    per_worker: int = 1
    """Replicas of each worker."""

    @property
    def total(self) -> int:
        """Replicas of all workers."""
        return self.num_workers * self.per_worker

    def batch_size(self, wanted: int, num_examples: int) -> int:
        """Images per step over all replicas: as many as wanted, or as there are examples.

        Raises:
          TrainingError: it cannot be cut into equal slices, or there are fewer examples than replicas.
        """
        rest = wanted % self.total
        if rest:
            fitting = [size for size in (wanted - rest, wanted - rest + self.total) if size]
            raise TrainingError(
                f"training.batch_size is {wanted}, which {self.total} replicas cannot share evenly;"
                f" write {' or '.join(map(str, fitting))}"
            )
        if num_examples < self.total:
            raise TrainingError(
                f"there are {num_examples} examples to train on for {self.total} replicas; train with fewer of them"
            )
        return min(wanted, num_examples // self.total * self.total)


ALONE = Replicas()
"""One worker with one replica."""
