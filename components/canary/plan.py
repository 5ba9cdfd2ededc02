"""What the process that tries a model is asked to do, and what it answers. Nothing here imports more than numpy."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Plan:
    """Requests, in the order of the checks."""

    model: str
    """Directory of the SavedModel."""
    answer: str
    """File for the pickled answer."""
    signatures: tuple[str, str]
    """Of files and of examples."""
    files: list[bytes]
    """Real images, as files."""
    examples: list[bytes]
    """The same, as serialized `tf.Example`s."""
    odd: dict[str, bytes]
    """Images of unusual kinds that must be answered, by name."""
    broken: dict[str, bytes]
    """Bytes that must be refused, by name."""
    warm_up: list[list[bytes]]
    """The files of each warm-up request."""
    lite: dict[str, str]
    """TensorFlow Lite models by kind."""
    pixels: NDArray[np.uint8]
    """What they take: the same images, [images, height, width, channels]."""
    seconds: float = 0.5
    """For each of the two measurements."""


@dataclass
class Answer:
    """What the model did; an error in the place of what could not be had."""

    signatures: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    """By name: `inputs` and `outputs`, each by name with its type and shape."""
    alone: NDArray[np.float32] | None = None
    """Probabilities [images, classes] of real images, one by one."""
    labels: list[str] = field(default_factory=list)
    """Their labels."""
    of_examples: NDArray[np.float32] | None = None
    """The same through the signature for examples, in one batch."""
    in_batches: dict[int, float] = field(default_factory=dict)
    """By the size of the batch, the greatest difference of a probability from the image alone."""
    odd: dict[str, float | str] = field(default_factory=dict)
    """The sum of the probabilities of each, or the error."""
    broken: dict[str, str | None] = field(default_factory=dict)
    """The error of each; None where it was answered."""
    after_broken: dict[str, float | str] = field(default_factory=dict)
    """By how much the next good answer differed from before, or its error."""
    warm_up: list[str | None] = field(default_factory=list)
    """The error of each request; None where it was answered."""
    lite: dict[str, NDArray[np.float32] | str] = field(default_factory=dict)
    """Probabilities [images, classes] by each kind of TensorFlow Lite model, or its error."""
    latencies: list[float] = field(default_factory=list)
    """Seconds of single requests."""
    images_per_second: float = 0.0
    peak_memory: int = 0
    """Bytes."""
    load_seconds: float = 0.0
    step: str = "starting"
    """What it was doing last."""
    error: str | None = None
    """What ended the trial in that step."""
