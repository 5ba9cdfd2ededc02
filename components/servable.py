"""What an exported model says of itself."""

from __future__ import annotations

import os

from tfx.dsl.io import fileio

from schemas import features


def read_labels(directory: str) -> tuple[str, ...]:
    """The names of its classes, in the order of its probabilities.

    Args:
      directory: of the SavedModel.
    """
    with fileio.open(os.path.join(directory, "assets", features.LABELS_ASSET)) as file:
        return tuple(file.read().splitlines())
