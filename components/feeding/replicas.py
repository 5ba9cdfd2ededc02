"""Which part of every batch a process feeds."""

from __future__ import annotations

from typing import NamedTuple


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


ALONE = Replicas()
"""One worker with one replica."""
