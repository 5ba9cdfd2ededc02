from __future__ import annotations

import numpy as np
import pytest

from components.feeding.order import deal, random_order, stratified_order


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_less_than_a_pass_is_a_draw_without_repetition() -> None:
    """Fewer than all examples: no one twice."""
    order = random_order(100, 60, generator())
    assert len(set(order.tolist())) == 60


def test_more_than_a_pass_is_one_permutation_after_another() -> None:
    """Each pass has all examples, in another order than the last; the rest is a draw from a further one."""
    order = random_order(100, 250, generator())
    assert [sorted(order[:100]), sorted(order[100:200])] == [list(range(100))] * 2
    assert order[:100].tolist() != order[100:200].tolist()
    assert len(set(order[200:].tolist())) == 50


@pytest.mark.parametrize("sizes", [(60, 30, 10), (50, 49, 1), (7, 7, 7, 7), (97, 1, 1, 1), (5,)], ids=str)
@pytest.mark.parametrize("batch_size", [1, 8, 10])
@pytest.mark.parametrize("num_batches", [1, 7, 40])
def test_each_batch_has_the_proportion_of_the_whole(sizes: tuple[int, ...], batch_size: int, num_batches: int) -> None:
    """Of a class's share of a batch, each batch has the whole number below or above; all batches together as well."""
    labels = generator().permutation(np.repeat(np.arange(len(sizes)) * 3, sizes))
    for seed in range(5):
        order = stratified_order(labels, num_batches, batch_size, generator(seed))
        drawn = labels[order].reshape(num_batches, batch_size)
        for number, size in enumerate(sizes):
            share = batch_size * size / sum(sizes)
            counts = (drawn == number * 3).sum(axis=1)
            assert np.all((np.floor(share) <= counts) & (counts <= np.ceil(share)))
            assert abs(counts.sum() - share * num_batches) <= 1
            times = np.bincount(order, minlength=len(labels))[labels == number * 3]
            assert times.max() - times.min() <= 1


def test_a_rare_class_comes_at_any_time() -> None:
    """A class that does not fill a place in each batch has no fixed batches, nor places in them."""
    labels = np.repeat([0, 1], [79, 1])
    places = {int(np.flatnonzero(stratified_order(labels, 10, 8, generator(seed)) == 79)[0]) for seed in range(40)}
    assert len(places) > 20
    assert len({place // 8 for place in places}) > 5
    assert len({place % 8 for place in places}) > 5


@pytest.mark.parametrize("num_parts", [2, 3, 7])
def test_examples_are_dealt_out_evenly(num_parts: int) -> None:
    """No two parts differ by more than one example, of each class and over all; another draw gives other parts."""
    labels = generator().permutation(np.repeat([0, 1, 2], [31, 10, 3]))
    parts = deal(labels, num_parts, generator(1))
    for chosen in (labels >= 0, *(labels == label for label in range(3))):
        counts = np.bincount(parts[chosen], minlength=num_parts)
        assert counts.max() - counts.min() <= 1
    assert parts.tolist() != deal(labels, num_parts, generator(2)).tolist()
    assert parts.tolist() == deal(labels, num_parts, generator(1)).tolist()
