"""Predictions with the pushed model."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from components.errors import StageError
from components.pusher.serving_directory import ServingDirectory
from pipeline.capture import captured
from schemas import features


class NoModelError(StageError):
    """Nothing has been pushed yet."""


@dataclass(frozen=True)
class Prediction:
    """What the model says of one file, or why it cannot."""

    image: str
    label: str | None = None
    probability: float | None = None
    top: tuple[tuple[str, float], ...] = ()
    error: str | None = None


def newest_version(serving: ServingDirectory) -> int:
    """The version that a model server would load.

    Raises:
      NoModelError: there is none.
    """
    pushed = serving.versions()
    if not pushed:
        raise NoModelError(f"no model has been pushed to {serving.location} yet; run the experiment first")
    return pushed[-1]


def predict_quietly(serving: Path, version: int, images: Sequence[Path]) -> list[Prediction]:
    """`predict`, with all that TensorFlow prints left out."""
    with captured(Path(os.devnull)):
        return list(predict(serving, version, images))


def predict(serving: Path, version: int, images: Sequence[Path]) -> Iterator[Prediction]:
    """Loads a version once and labels files, as a model server does.

    Args:
      serving: parent of the version directories.
      version: one of them.
      images: files of JPEG, PNG, GIF or BMP.
    """
    import tensorflow as tf

    model = tf.saved_model.load(str(serving / str(version)))
    signature = model.signatures[features.SERVING_SIGNATURE]
    for image in images:
        try:
            outputs = signature(**{features.IMAGE_BYTES: tf.constant([image.read_bytes()])})
        except tf.errors.OpError:
            yield Prediction(str(image), error="cannot be decoded; expected a JPEG, PNG, GIF or BMP file")
            continue
        except OSError as error:
            yield Prediction(str(image), error=error.strerror or str(error))
            continue
        labels = [label.decode() for label in outputs[features.TOP_LABELS].numpy()[0]]
        probabilities = [round(float(value), 6) for value in outputs[features.TOP_PROBABILITIES].numpy()[0]]
        top = tuple(zip(labels, probabilities, strict=True))
        yield Prediction(str(image), labels[0], probabilities[0], top)
