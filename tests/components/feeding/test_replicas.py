from __future__ import annotations

import pytest

from components.errors import TrainingError
from components.feeding.replicas import ALONE, Replicas


@pytest.mark.parametrize(
    ("replicas", "wanted", "num_examples", "size"),
    [
        (ALONE, 128, 1000, 128),
        (ALONE, 128, 100, 100),
        (Replicas(2, 1, 3), 60, 1000, 60),
        (Replicas(2, 1, 3), 60, 20, 18),
        (Replicas(2, 1, 3), 60, 6, 6),
    ],
)
def test_a_batch_is_no_larger_than_the_split(replicas: Replicas, wanted: int, num_examples: int, size: int) -> None:
    """As many images as wanted; where there are fewer, the most of them that all replicas can share evenly."""
    assert replicas.batch_size(wanted, num_examples) == size


def test_replicas_of_all_workers_are_counted() -> None:
    """Each worker has as many."""
    assert (ALONE.total, Replicas(3, 0, 4).total) == (1, 12)


def test_what_cannot_be_shared_evenly_is_refused() -> None:
    """The error says which sizes can be, and that there must be an example for each replica."""
    with pytest.raises(TrainingError, match="batch_size is 10, which 4 replicas cannot share evenly; write 8 or 12"):
        Replicas(2, 0, 2).batch_size(10, 1000)
    with pytest.raises(TrainingError, match=r"cannot share evenly; write 4$"):
        Replicas(2, 0, 2).batch_size(3, 1000)
    with pytest.raises(TrainingError, match="there are 3 examples to train on for 4 replicas"):
        Replicas(2, 0, 2).batch_size(8, 3)
