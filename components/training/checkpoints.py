"""What a training that was killed goes on from: whole checkpoints, each in a directory of its own."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from components.durability import make_directories, sync, sync_tree

_PREFIX = "epoch-"
_GROWING = ".growing"
_ARRAYS = "arrays.npz"
_STATE = "state.json"


class Checkpoint(NamedTuple):
    """The state of a training after an epoch."""

    arrays: dict[str, list[np.ndarray]]
    """Lists of arrays by what they are of."""
    state: dict[str, Any]
    """Everything else, as JSON."""


class CheckpointStore:
    """Keeps the newest checkpoints of one training.

    A checkpoint appears by one rename of a directory that was written and synced before, so that a process killed at
    any moment, or a loss of power, leaves whole checkpoints alone.
    """

    def __init__(self, directory: str | Path, keep: int) -> None:
        """Reads nothing yet.

        Args:
          directory: of this training alone.
          keep: how many to keep.
        """
        self._directory = Path(directory)
        self._keep = keep

    def write(self, epoch: int, checkpoint: Checkpoint) -> None:
        """Keeps the state after an epoch, and lets go of the oldest."""
        growing = self._directory / _GROWING
        shutil.rmtree(growing, ignore_errors=True)
        make_directories(growing)
        flat = {
            f"{name}/{index}": array for name, group in checkpoint.arrays.items() for index, array in enumerate(group)
        }
        sizes = {name: len(group) for name, group in checkpoint.arrays.items()}
        with (growing / _ARRAYS).open("wb") as file:
            np.savez(file, **flat)
        with (growing / _STATE).open("w") as text:
            json.dump({"state": checkpoint.state, "sizes": sizes}, text)
        sync_tree(growing)
        target = self._directory / f"{_PREFIX}{epoch:05d}"
        shutil.rmtree(target, ignore_errors=True)
        os.replace(growing, target)
        sync(self._directory)
        for old in self._all()[: -self._keep]:
            shutil.rmtree(old, ignore_errors=True)

    def newest(self) -> Checkpoint | None:
        """The newest whole checkpoint; None where there is none."""
        for directory in reversed(self._all()):
            try:
                return _read(directory)
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
                continue
        return None

    def clear(self) -> None:
        """Lets go of all."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _all(self) -> list[Path]:
        return sorted(self._directory.glob(f"{_PREFIX}*"))


def _read(directory: Path) -> Checkpoint:
    content = json.loads((directory / _STATE).read_text())
    with np.load(directory / _ARRAYS, allow_pickle=False) as arrays:
        groups = {name: [arrays[f"{name}/{index}"] for index in range(size)] for name, size in content["sizes"].items()}
    return Checkpoint(groups, content["state"])


def values_of(variables: Sequence[Any]) -> list[np.ndarray]:
    """The values of Keras or TensorFlow variables."""
    return [np.array(variable.numpy()) for variable in variables]


def assign(variables: Sequence[Any], values: Sequence[np.ndarray]) -> None:
    """Gives variables their values back.

    Raises:
      ValueError: they are not the variables that the values are of.
    """
    shapes = [tuple(variable.shape) for variable in variables], [value.shape for value in values]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"a checkpoint of {len(values)} variables does not fit {len(variables)}: another network wrote it"
        )
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
