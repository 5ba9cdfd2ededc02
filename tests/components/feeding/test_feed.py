from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.errors import TrainingError
from components.feeding import feed as module
from components.feeding.disk import DiskFeed
from components.feeding.feed import Feed, make_feed, settled
from components.feeding.hybrid import HybridFeed
from components.feeding.memory import MemoryFeed
from components.feeding.source import Source
from schemas.training import Training
from tests.components.feeding.split import FOUR_REPLICAS, batches, flat

FEEDS = {"memory": MemoryFeed, "disk": DiskFeed, "hybrid": HybridFeed, "auto": MemoryFeed}


def leave_free(monkeypatch: pytest.MonkeyPatch, num_bytes: int) -> None:
    monkeypatch.setattr(module, "free_memory", lambda: num_bytes)


@pytest.mark.parametrize("feeder", FEEDS)
def test_the_feeder_is_the_one_told(source: Source, feeder: Any) -> None:
    """Each keeps to the same protocol: full batches, as many as it says, of the same examples."""
    training = Training(feeder=feeder, batch_size=8)
    for replicas in FOUR_REPLICAS:
        feed: Feed = make_feed(source, training, replicas)
        assert isinstance(feed, FEEDS[feeder])
        assert (feed.num_examples, feed.batch_size) == (48, 8)
        assert [len(slice_) for slice_ in batches(feed.epoch(0))] == [2, 2] * feed.steps_per_epoch


def test_files_are_read_once_for_memory(source: Source, tmp_path: Path) -> None:
    """What is held comes again in each epoch, without the files."""
    for path in Path(source.files[0]).parent.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    feed = make_feed(source._replace(files=[str(tmp_path / "*")]), Training(feeder="memory"))
    for path in tmp_path.iterdir():
        path.unlink()
    assert [sorted(flat(batches(feed.epoch(index)))) for index in range(2)] == [list(range(48))] * 2


@pytest.mark.parametrize(("shortage", "feeder"), [(0, "memory"), (1, "disk")])
def test_auto_goes_by_the_free_memory(
    source: Source, monkeypatch: pytest.MonkeyPatch, shortage: int, feeder: str
) -> None:
    """Memory where the split takes at most half of what is free, else disk."""
    assert source.num_bytes == 48 * 2 * 3
    leave_free(monkeypatch, 2 * 48 * 2 * 3 - shortage)
    assert settled(source, Training()).feeder == feeder


@pytest.mark.parametrize(("free", "segments"), [(10**9, 2), (48 * 6, 4), (48 * 6 - 1, 5)])
def test_segments_go_by_the_free_memory(
    source: Source, monkeypatch: pytest.MonkeyPatch, free: int, segments: int
) -> None:
    """As few as fit into a quarter of it each, at least two; a number that is told stays."""
    leave_free(monkeypatch, free)
    assert settled(source, Training(feeder="hybrid")).segments == segments
    assert settled(source, Training(feeder="hybrid", segments=3)).segments == 3


def test_what_is_settled_stays(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training that goes on feeds as before, however much memory is free by then."""
    leave_free(monkeypatch, 10**9)
    once = settled(source, Training())
    leave_free(monkeypatch, 1)
    assert settled(source, once) == once
    assert isinstance(make_feed(source, once), MemoryFeed)


def test_stratified_batches_are_not_drawn_from_disk(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says why the feeder is disk, and what to write."""
    with pytest.raises(TrainingError, match=r"the feeder is disk, as told; write training.feeder: hybrid"):
        make_feed(source, Training(feeder="disk", stratified=True))
    leave_free(monkeypatch, 1)
    with pytest.raises(TrainingError, match="the feeder is disk, there is too little free memory for another one"):
        make_feed(source, Training(stratified=True))
