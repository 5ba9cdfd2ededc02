from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.feeding import evaluation as module
from components.feeding.evaluation import evaluation
from components.feeding.replicas import ALONE, Replicas
from components.feeding.source import Decoded, Source
from tests.components.feeding.split import DECODED, FOUR_REPLICAS, batches, flat


@pytest.fixture(params=["memory", "disk", "arrays"])
def examples(request: pytest.FixtureRequest, source: Source, monkeypatch: pytest.MonkeyPatch) -> Source | Decoded:
    """The split in each way that it can be evaluated; for the disk, memory is short."""
    if request.param == "disk":
        monkeypatch.setattr(module, "free_memory", lambda: source.num_bytes * 2 - 1)
    if request.param == "memory":
        monkeypatch.setattr(module, "free_memory", lambda: source.num_bytes * 2)
    return DECODED if request.param == "arrays" else source


def weighted(dataset: tf.data.Dataset) -> list[int]:
    """The grays of all examples that weigh 1; all others weigh 0."""
    grays = np.array(flat(batches(dataset)))
    weights = np.concatenate([weights for *_, weights in dataset.as_numpy_iterator()])
    assert weights.dtype == np.float32
    assert set(weights.tolist()) <= {0, 1}
    kept: list[int] = grays[weights == 1].tolist()
    return kept


def test_every_example_comes_once(examples: Source | Decoded) -> None:
    """In full batches, in the same order each time; what fills the last one up weighs nothing."""
    dataset = evaluation(examples, 20)
    assert [len(batch) for batch in batches(dataset)] == [20, 20, 20]
    kept = weighted(dataset)
    assert sorted(kept) == list(range(48))
    assert weighted(dataset) == kept
    assert [weights.sum() for *_, weights in dataset.as_numpy_iterator()] == [20, 20, 8]


@pytest.mark.parametrize("batch_size", [12, 13, 48, 1000])
def test_replicas_share_the_examples(examples: Source | Decoded, batch_size: int) -> None:
    """Each comes to one of four replicas; all have as many batches of one size."""
    datasets = [evaluation(examples, batch_size, replicas) for replicas in FOUR_REPLICAS]
    sizes = [[len(batch) for batch in batches(dataset)] for dataset in datasets]
    assert sizes[0] == sizes[1]
    assert len(sizes[0]) % 2 == 0
    assert set(sizes[0]) == {-(-batch_size // 4)}
    assert sorted(weighted(datasets[0]) + weighted(datasets[1])) == list(range(48))


def test_a_worker_may_have_nothing_to_do(examples: Source | Decoded) -> None:
    """With more workers than examples, all the same each has a batch."""
    datasets = [evaluation(examples, 60, Replicas(60, worker, 1)) for worker in (0, 47, 48, 59)]
    assert [len(batches(dataset)) for dataset in datasets] == [1] * 4
    assert [len(weighted(dataset)) for dataset in datasets] == [1, 1, 0, 0]


def test_shapes_are_known_in_graphs(examples: Source | Decoded) -> None:
    """An evaluation step is traced once."""
    pixels, labels, weights = evaluation(examples, 20, Replicas(1, 0, 2)).element_spec
    assert (pixels.shape[1:], weights.shape) == ([2, 3, 1], [10])
    assert labels.shape.rank == 1


def test_memory_is_taken_where_it_is_free(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the examples take at most half of what is free, files are read once; else each time."""
    for path in Path(source.files[0]).parent.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    copied = source._replace(files=[str(tmp_path / "*")])
    monkeypatch.setattr(module, "free_memory", lambda: source.num_bytes * 2)
    held = evaluation(copied, 20, ALONE)
    monkeypatch.setattr(module, "free_memory", lambda: source.num_bytes * 2 - 1)
    read = evaluation(copied, 20, ALONE)
    assert weighted(read) == weighted(held)
    for path in tmp_path.iterdir():
        path.unlink()
    assert len(weighted(held)) == 48
    with pytest.raises(tf.errors.NotFoundError):
        weighted(read)
