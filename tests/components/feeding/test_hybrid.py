from __future__ import annotations

import numpy as np
import pytest

from components.errors import TrainingError
from components.feeding.hybrid import HybridFeed
from components.feeding.source import Source
from schemas.training import Training
from tests.components.feeding.split import FOUR_REPLICAS, LABELS, batches, flat, steps

TRAINING = Training(batch_size=4, segments=3, segment_epochs=2, seed=3)


def epochs(source: Source, training: Training, count: int) -> list[list[list[int]]]:
    feed = HybridFeed(source, training)
    return [batches(feed.epoch(index)) for index in range(count)]


def test_several_epochs_are_on_each_segment(source: Source) -> None:
    """Twice the same third of the examples, in another order, then the next; after three segments all have come."""
    feed = HybridFeed(source, TRAINING)
    assert (feed.num_examples, feed.batch_size, feed.steps_per_epoch) == (48, 4, 4)
    drawn = epochs(source, TRAINING, 6)
    segments = [sorted(flat(epoch)) for epoch in drawn]
    assert segments[0] == segments[1] != segments[2] == segments[3] != segments[4] == segments[5]
    assert drawn[0] != drawn[1]
    assert sorted(flat(segments[::2])) == list(range(48))


def test_segments_are_stratified(source: Source) -> None:
    """Each has its share of every class: of 24, 16 and 8 in three parts."""
    for epoch in epochs(source, TRAINING, 6)[::2]:
        counts = np.bincount(LABELS[flat(epoch)])
        assert counts[0] == 8
        assert 5 <= counts[1] <= 6
        assert 2 <= counts[2] <= 3


def test_segments_are_dealt_anew(source: Source) -> None:
    """Once all have been in turn, others follow."""
    drawn = epochs(source, TRAINING.model_copy(update={"segment_epochs": 1}), 6)
    segments = [frozenset(flat(epoch)) for epoch in drawn]
    assert frozenset.union(*segments[3:]) == set(range(48))
    assert len(set(segments)) == 6


def test_any_epoch_can_be_had_at_any_time(source: Source) -> None:
    """A training that was killed goes on in the middle of a segment, with the same order."""
    drawn = epochs(source, TRAINING, 9)
    feed = HybridFeed(source, TRAINING)
    assert [batches(feed.epoch(index)) for index in (7, 8, 0, 3)] == [drawn[7], drawn[8], drawn[0], drawn[3]]


def test_batches_can_be_stratified(source: Source) -> None:
    """Each batch has the classes in the proportion of its segment."""
    training = Training(batch_size=6, segments=2, stratified=True)
    for batch in [batch for epoch in epochs(source, training, 4) for batch in epoch]:
        assert np.bincount(LABELS[batch]).tolist() == [3, 2, 1]


def test_replicas_share_the_batches_of_one(source: Source) -> None:
    """The slices of four replicas of two workers make up what a single one sees, batch by batch."""
    alone = HybridFeed(source, TRAINING)
    feeds = [HybridFeed(source, TRAINING, replicas) for replicas in FOUR_REPLICAS]
    for index in (1, 2):
        workers = [batches(feed.epoch(index)) for feed in feeds]
        assert steps(workers, per_worker=2) == batches(alone.epoch(index))


def test_segments_of_unequal_size_give_equal_epochs(source: Source) -> None:
    """Of 48 examples in seven segments, each has six or seven: batches of six, one for each epoch."""
    feed = HybridFeed(source, Training(segments=7, segment_epochs=1))
    assert (feed.batch_size, feed.steps_per_epoch) == (6, 1)
    assert [[len(batch) for batch in batches(feed.epoch(index))] for index in range(7)] == [[6]] * 7


def test_steps_may_be_told(source: Source) -> None:
    """More than a pass over a segment stays within it."""
    training = TRAINING.model_copy(update={"steps_per_epoch": 9})
    [drawn] = epochs(source, training, 1)
    assert [len(batch) for batch in drawn] == [4] * 9
    assert len(set(flat(drawn))) == 16


def test_more_segments_than_examples_are_refused(source: Source) -> None:
    """The error says what to write."""
    with pytest.raises(TrainingError, match=r"segments is 49, but there are only 48 examples; write fewer, or"):
        HybridFeed(source, Training(segments=49))
