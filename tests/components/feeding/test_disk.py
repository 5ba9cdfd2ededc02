from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.errors import DataError
from components.feeding.disk import DiskFeed
from components.feeding.source import Source
from schemas.training import Training
from tests.components.feeding.split import FOUR_REPLICAS, batches, flat

TRAINING = Training(batch_size=16, shuffle_buffer=20, seed=3)


def test_every_epoch_has_every_example_once(source: Source) -> None:
    """In full batches, each time in another order."""
    feed = DiskFeed(source, TRAINING)
    assert (feed.num_examples, feed.batch_size, feed.steps_per_epoch) == (48, 16, 3)
    epochs = [batches(feed.epoch(index)) for index in range(3)]
    assert all([len(batch) for batch in epoch] == [16] * 3 for epoch in epochs)
    assert [sorted(flat(epoch)) for epoch in epochs] == [list(range(48))] * 3
    assert len({str(epoch) for epoch in epochs}) == 3


def test_the_order_follows_from_seed_and_epoch_alone(source: Source) -> None:
    """Any epoch can be had at any time, whatever TensorFlow's own seed is; another seed gives another order."""
    tf.random.set_seed(7)
    first = batches(DiskFeed(source, TRAINING).epoch(5))
    tf.random.set_seed(8)
    again = DiskFeed(source, TRAINING)
    again.epoch(4)
    assert batches(again.epoch(5)) == first
    other = TRAINING.model_copy(update={"seed": 4})
    assert batches(DiskFeed(source, other).epoch(5)) != first


def test_the_order_mixes_the_files(source: Source) -> None:
    """The first batch holds images of more than one file: a sorted source is not learned class by class."""
    [first, *_] = batches(DiskFeed(source, TRAINING).epoch(0))
    assert len({(gray >= 30) + (gray >= 45) for gray in first}) > 1


def test_files_change_their_order(source: Source) -> None:
    """Even with a buffer of one example, epochs differ."""
    feed = DiskFeed(source, TRAINING.model_copy(update={"shuffle_buffer": 1}))
    assert len({batches(feed.epoch(index))[0][0] for index in range(9)}) > 1


@pytest.mark.parametrize(("num_steps", "most"), [(1, 1), (7, 3)])
def test_an_epoch_may_be_shorter_or_longer_than_a_pass(source: Source, num_steps: int, most: int) -> None:
    """As many batches as told: no example twice before all have come, and each pass in an order of its own."""
    drawn = batches(DiskFeed(source, TRAINING.model_copy(update={"steps_per_epoch": num_steps})).epoch(0))
    assert [len(batch) for batch in drawn] == [16] * num_steps
    counts = np.bincount(flat(drawn), minlength=48)
    assert counts.max() == most
    assert counts.max() - counts.min() <= 1
    assert drawn[:3] != drawn[3:6]


def test_each_worker_decodes_its_own(source: Source) -> None:
    """No example comes to two workers in one epoch; all come; over the epochs they change places."""
    feeds = [DiskFeed(source, TRAINING, replicas) for replicas in FOUR_REPLICAS]
    shares = []
    for index in range(2):
        workers = [batches(feed.epoch(index)) for feed in feeds]
        assert [[len(slice_) for slice_ in worker] for worker in workers] == [[4] * 6] * 2
        assert sorted(flat(workers[0]) + flat(workers[1])) == list(range(48))
        shares.append(set(flat(workers[0])))
    assert shares[0] != shares[1]


def test_uneven_shares_fill_all_batches(source: Source) -> None:
    """Where the workers' shares differ by an example, both have as many batches, over several passes as well."""
    odd = Source([str(Path(source.files[0]).with_name("[bc]"))], source.transform, source.shape, 18)
    feeds = [DiskFeed(odd, Training(batch_size=4, steps_per_epoch=19), replicas) for replicas in FOUR_REPLICAS]
    counts = [Counter(flat(batches(feed.epoch(0)))) for feed in feeds]
    assert [sum(count.values()) for count in counts] == [38, 38]
    assert not counts[0].keys() & counts[1].keys()


def test_every_epoch_is_read_anew(source: Source, tmp_path: Path) -> None:
    """Nothing is kept: what is on disk by then comes."""
    for path in Path(source.files[0]).parent.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    feed = DiskFeed(source._replace(files=[str(tmp_path / "*")]), TRAINING)
    assert len(batches(feed.epoch(0))) == 3
    (tmp_path / "b").unlink()
    with pytest.raises(tf.errors.NotFoundError):
        batches(feed.epoch(1))


def test_missing_files_are_told(source: Source, tmp_path: Path) -> None:
    """Where no file matches, the error names the pattern."""
    with pytest.raises(DataError, match=f"nothing matches {tmp_path}"):
        DiskFeed(source._replace(files=[str(tmp_path / "*")]), TRAINING)
