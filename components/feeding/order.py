"""The order in which examples are drawn: it follows from a seed and the number of the epoch alone."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def random_order(num_examples: int, length: int, random: np.random.Generator) -> NDArray:
    """Permutations of all examples, one after another, cut off after `length`.

    Returns:
      int64 [length], from 0 to num_examples - 1.
    """
    num_passes = math.ceil(length / num_examples)
    return np.concatenate([random.permutation(num_examples) for _ in range(num_passes)])[:length]


def stratified_order(labels: NDArray, num_batches: int, batch_size: int, random: np.random.Generator) -> NDArray:
    """An order in which each batch has the classes in the proportion of all examples.

    Of a class that should have x examples in each batch, every batch has x rounded down or up, and all batches
    together have x times their number, up to one more or less: systematic sampling (Madow 1949), with starts that are
    evenly spread over the batches. Within a class, no example comes twice more often than another.

    Args:
      labels: int64 [examples].
      num_batches: to draw.
      batch_size: examples of each.
      random: draws.

    Returns:
      int64 [num_batches * batch_size], from 0 to examples - 1.
    """
    _, classes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    counts = _counts(sizes, num_batches, batch_size, random)
    # Of each batch, its classes in random order; then to each place of a class the next example of a permutation.
    drawn = np.repeat(np.tile(np.arange(len(sizes)), num_batches), counts.ravel()).reshape(num_batches, batch_size)
    drawn = random.permuted(drawn, axis=1).ravel()
    by_class = np.split(np.argsort(classes, kind="stable"), np.cumsum(sizes)[:-1])
    examples = [
        members[random_order(len(members), total, random)]
        for members, total in zip(by_class, counts.sum(axis=0).tolist(), strict=True)
        if total
    ]
    order = np.empty(num_batches * batch_size, np.int64)
    order[np.argsort(drawn, kind="stable")] = np.concatenate(examples)
    return order


def _counts(sizes: NDArray, num_batches: int, batch_size: int, random: np.random.Generator) -> NDArray:
    """How many examples of each class each batch has, int64 [num_batches, classes]; in whole numbers, so exactly."""
    shuffled = random.permutation(len(sizes))
    ends = np.concatenate([[0], np.cumsum(sizes[shuffled])]) * batch_size
    num_examples = ends[-1] // batch_size
    starts = 2 * random.permutation(num_batches) + 1
    # floor(ends / num_examples + starts / (2 * num_batches)), of which neighbours differ by a class's share of a batch.
    places = (ends * 2 * num_batches + starts[:, np.newaxis] * num_examples) // (2 * num_batches * num_examples)
    counts = np.empty((num_batches, len(sizes)), np.int64)
    counts[:, shuffled] = np.diff(places, axis=1)
    return counts


def deal(labels: NDArray, num_parts: int, random: np.random.Generator) -> NDArray:
    """Deals examples out to parts of equal size, each class evenly.

    Args:
      labels: int64 [examples].
      num_parts: how many; no two differ by more than one example, of each class and over all.
      random: draws.

    Returns:
      int64 [examples], the part of each.
    """
    shuffled = random.permutation(len(labels))
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    parts = np.empty(len(labels), np.int64)
    parts[by_class] = random.permutation(num_parts)[np.arange(len(labels)) % num_parts]
    return parts
