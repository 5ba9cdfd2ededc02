"""How much the examples of each class weigh in the loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from components.errors import TrainingError
from schemas.problems import suggestion
from schemas.training import Training


def class_weights(training: Training, counts: Sequence[int], labels: Sequence[str]) -> NDArray:
    """The weight of each class.

    Args:
      training: the experiment's section. `balanced` is examples / (classes * examples of the class), so that the
        mean over all examples is 1 (King and Zeng 2001).
      counts: training examples of each class.
      labels: names of the classes.

    Returns:
      float32 [classes].

    Raises:
      TrainingError: a weight names no class.
    """
    wanted = training.class_weights
    if wanted == "balanced":
        present = np.maximum(counts, 1)
        return (np.sum(counts) / (len(labels) * present)).astype(np.float32)
    named: Mapping[str, float] = wanted or {}
    unknown = [name for name in named if name not in labels]
    if unknown:
        raise TrainingError(
            f"training.class_weights names {', '.join(map(repr, unknown))}, which is no class of the data"
            f"{suggestion(unknown[0], labels)}; known here: {', '.join(labels)}"
        )
    return np.array([named.get(label, 1.0) for label in labels], np.float32)
