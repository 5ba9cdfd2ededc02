from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.training.checkpoints import Checkpoint, CheckpointStore, assign, values_of

ROOT = Path(__file__).parents[3]
WRITER = """
import sys
import numpy as np
from components.training.checkpoints import Checkpoint, CheckpointStore

store = CheckpointStore(sys.argv[1], keep=2)
for epoch in range(1, 100_000):
    arrays = [np.full((300, 300), epoch, np.float32), np.full(5, epoch, np.int64)]
    store.write(epoch, Checkpoint({"weights": arrays}, {"epoch": epoch}))
    print(epoch, flush=True)
"""


def checkpoint(epoch: int) -> Checkpoint:
    arrays = {"weights": [np.full((2, 3), epoch, np.float32), np.array(epoch)], "random": []}
    return Checkpoint(arrays, {"epoch": epoch, "loss": [0.1, float("nan")]})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Arrays with their types and shapes, empty groups, and the rest of the state come back as they were."""
    CheckpointStore(tmp_path, 1).write(3, checkpoint(3))
    found = CheckpointStore(tmp_path, 1).newest()
    assert found is not None
    assert found.state["epoch"] == 3
    assert found.arrays["random"] == []
    for array, expected in zip(found.arrays["weights"], checkpoint(3).arrays["weights"], strict=True):
        assert array.dtype == expected.dtype
        np.testing.assert_array_equal(array, expected)


def test_the_newest_are_kept(tmp_path: Path) -> None:
    """Only as many as asked for stay, and the newest is the one that is read."""
    store = CheckpointStore(tmp_path, 2)
    for epoch in (8, 9, 10, 11):
        store.write(epoch, checkpoint(epoch))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-00010", "epoch-00011"]
    assert store.newest().state["epoch"] == 11  # type: ignore[union-attr]


def test_nothing_is_there_at_first(tmp_path: Path) -> None:
    """A directory that is missing or empty holds no checkpoint."""
    assert CheckpointStore(tmp_path / "none", 1).newest() is None
    assert CheckpointStore(tmp_path, 1).newest() is None


@pytest.mark.parametrize("left", [0.5, 0.0])
@pytest.mark.parametrize("damage", ["arrays.npz", "state.json"])
def test_a_damaged_checkpoint_is_passed_over(damage: str, left: float, tmp_path: Path) -> None:
    """Where the newest cannot be read, cut off by a power loss say, the one before it is."""
    store = CheckpointStore(tmp_path, 2)
    for epoch in (1, 2):
        store.write(epoch, checkpoint(epoch))
    file = tmp_path / "epoch-00002" / damage
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * left)])
    assert store.newest().state["epoch"] == 1  # type: ignore[union-attr]


def test_a_killed_writer_leaves_whole_checkpoints(tmp_path: Path) -> None:
    """Killed at any moment, what is there is whole, and at most one epoch older than what was reported written."""
    for delay in (0.05, 0.11, 0.23):
        directory = tmp_path / str(delay)
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(directory)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout
        said = [process.stdout.readline() for _ in range(3)]
        time.sleep(delay)
        process.kill()
        reported = int([*said, *process.stdout.read().splitlines()][-1])
        process.wait()
        found = CheckpointStore(directory, 2).newest()
        assert found is not None
        epoch = found.state["epoch"]
        assert epoch in (reported, reported + 1)
        assert all((array == epoch).all() for array in found.arrays["weights"])


def test_variables_get_their_values_back() -> None:
    """Values read from variables are assigned to others of the same shapes; other shapes are refused."""
    variables = [tf.Variable([1.0, 2.0]), tf.Variable(3, dtype=tf.int64)]
    others = [tf.Variable([0.0, 0.0]), tf.Variable(0, dtype=tf.int64)]
    assign(others, values_of(variables))
    assert [variable.numpy().tolist() for variable in others] == [[1.0, 2.0], 3]
    with pytest.raises(ValueError, match="another network wrote it"):
        assign(others[:1], values_of(variables))
