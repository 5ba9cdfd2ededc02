from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import tensorflow as tf

from components.errors import TrainingError
from components.feeding.memory import MemoryFeed
from components.feeding.replicas import Replicas
from components.feeding.source import Decoded
from schemas.training import Training
from tests.components.feeding.split import DECODED, FOUR_REPLICAS, LABELS, batches, flat, steps

TRAINING = Training(batch_size=20, seed=3)


def test_an_epoch_is_a_permutation() -> None:
    """Full batches, no example twice, in another order each epoch, which begins anew with all of them."""
    feed = MemoryFeed(DECODED, TRAINING)
    assert (feed.num_examples, feed.batch_size, feed.steps_per_epoch) == (48, 20, 2)
    epochs = [batches(feed.epoch(index)) for index in range(8)]
    assert all([len(batch) for batch in epoch] == [20, 20] for epoch in epochs)
    assert all(max(Counter(flat(epoch)).values()) == 1 for epoch in epochs)
    assert len({str(epoch) for epoch in epochs}) == 8
    assert {gray for epoch in epochs for batch in epoch for gray in batch} == set(range(48))


def test_the_order_follows_from_seed_and_epoch_alone() -> None:
    """Any epoch can be had at any time, whatever TensorFlow's own seed is; another seed gives another order."""
    first = batches(MemoryFeed(DECODED, TRAINING).epoch(5))
    tf.random.set_seed(8)
    again = MemoryFeed(DECODED, TRAINING)
    again.epoch(4)
    assert batches(again.epoch(5)) == first
    assert batches(MemoryFeed(DECODED, Training(batch_size=20, seed=4)).epoch(5)) != first


def test_the_order_is_numpys() -> None:
    """It does not hang on the version of TensorFlow."""
    expected = np.random.default_rng([3, 1]).permutation(48)[:40].reshape(2, 20)
    assert batches(MemoryFeed(DECODED, TRAINING).epoch(1)) == expected.tolist()


@pytest.mark.parametrize(("num_steps", "most"), [(1, 1), (5, 3)])
def test_an_epoch_may_be_shorter_or_longer_than_a_pass(num_steps: int, most: int) -> None:
    """As many batches as told: no example twice before all have come."""
    feed = MemoryFeed(DECODED, Training(batch_size=20, steps_per_epoch=num_steps))
    drawn = batches(feed.epoch(0))
    assert [len(batch) for batch in drawn] == [20] * num_steps == [20] * feed.steps_per_epoch
    counts = np.bincount(flat(drawn), minlength=48)
    assert counts.max() == most
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("is_stratified", [False, True])
def test_replicas_share_the_batches_of_one(is_stratified: bool) -> None:
    """The slices of four replicas of two workers make up what a single one sees, batch by batch."""
    training = Training(batch_size=12, stratified=is_stratified)
    alone = batches(MemoryFeed(DECODED, training).epoch(2))
    workers = [batches(MemoryFeed(DECODED, training, replicas).epoch(2)) for replicas in FOUR_REPLICAS]
    assert [[len(slice_) for slice_ in worker] for worker in workers] == [[3] * 8] * 2
    assert steps(workers, per_worker=2) == alone


def test_stratified_batches_have_the_classes_of_the_split() -> None:
    """Of classes of 24, 16 and 8 examples, every batch of 12 has 6, 4 and 2, in no fixed order."""
    feed = MemoryFeed(DECODED, Training(batch_size=12, stratified=True))
    drawn = batches(feed.epoch(0))
    assert [np.bincount(LABELS[batch]).tolist() for batch in drawn] == [[6, 4, 2]] * 4
    assert sorted(flat(drawn)) == list(range(48))
    assert drawn != batches(feed.epoch(1))
    assert len({str(LABELS[batch]) for batch in drawn}) == 4


def test_a_part_can_be_fed() -> None:
    """Of the examples of some indices, as a fold of cross-validation; stratified by their own classes."""
    fold = np.arange(0, 48, 2)
    feed = MemoryFeed(DECODED, Training(batch_size=6, stratified=True), indices=fold)
    assert (feed.num_examples, feed.steps_per_epoch) == (24, 4)
    drawn = batches(feed.epoch(0))
    assert sorted(flat(drawn)) == fold.tolist()
    assert [np.bincount(LABELS[batch]).tolist() for batch in drawn] == [[3, 2, 1]] * 4


def test_a_small_split_is_one_batch() -> None:
    """Where there are fewer examples than a batch should have, it has all of them."""
    feed = MemoryFeed(DECODED, Training(batch_size=100))
    assert [sorted(batch) for batch in batches(feed.epoch(0))] == [list(range(48))]


def test_shapes_are_known_in_graphs() -> None:
    """A training step is traced once: each batch has the same fixed shape."""
    pixels, labels = MemoryFeed(DECODED, TRAINING).epoch(0).element_spec
    assert (pixels.shape, labels.shape) == ([20, 2, 3, 1], [20])


def test_two_devices_get_their_slices() -> None:
    """Under a strategy that asks for one batch for each replica, as training does."""
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    feed = MemoryFeed(DECODED, TRAINING)
    distributed = strategy.distribute_datasets_from_function(lambda _: feed.epoch(0))
    assert [pixels.numpy()[:, 0, 0, 0].tolist() for pixels, _ in distributed] == batches(feed.epoch(0))


def test_memory_holds_the_examples_once() -> None:
    """Feeding 200 MB takes no other 200 MB."""
    decoded = Decoded(np.zeros((2_000, 320, 320, 1), np.uint8), np.zeros(2_000, np.int64))
    decoded.pixels[:] = 1
    before = resident_bytes()
    for pixels, _ in MemoryFeed(decoded, Training(batch_size=10)).epoch(0):
        assert pixels.shape == (10, 320, 320, 1)
    assert resident_bytes() - before < decoded.pixels.nbytes / 2


def resident_bytes() -> int:
    with open("/proc/self/status", encoding="ascii") as status:
        [kibibytes] = [line.split()[1] for line in status if line.startswith("VmRSS")]
    return int(kibibytes) * 1024


def test_uneven_slices_are_refused() -> None:
    """20 images cannot be shared by three replicas."""
    with pytest.raises(TrainingError, match="write 18 or 21"):
        MemoryFeed(DECODED, TRAINING, Replicas(3, 0, 1))
