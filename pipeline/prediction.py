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

UNDECODABLE = "cannot be decoded; expected a JPEG, PNG, GIF or BMP file"


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

    @classmethod
    def ranked(cls, image: Path, labels: Sequence[str], probabilities: Sequence[float]) -> Prediction:
        """From the likeliest labels and their probabilities, highest first."""
        rounded = [round(float(probability), 6) for probability in probabilities]
        return cls(str(image), labels[0], rounded[0], tuple(zip(labels, rounded, strict=True)))


def unusable(images: Sequence[Path]) -> list[str]:
    """A message for each path that is no file."""
    return [
        f"{image}: is a directory; give its files, as {image}/*" if image.is_dir() else f"{image}: no such file"
        for image in images
        if not image.is_file()
    ]


def newest_version(serving: ServingDirectory) -> int:
    """The version that a model server would load.

    Raises:
      NoModelError: there is none.
    """
    pushed = serving.versions()
    if not pushed:
        raise NoModelError(f"no model has been pushed to {serving.location} yet; run the experiment first")
    return pushed[-1]


def predict_with_newest(serving: ServingDirectory, images: Sequence[Path]) -> tuple[int, list[Prediction]]:
    """Labels files with the newest version.

    Returns:
      The version, and a prediction for each file.

    Raises:
      StageError: there is none, or it cannot be had or loaded.
    """
    version = newest_version(serving)
    with serving.at_hand(version) as directory:
        return version, predict_quietly(directory, version, images)


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

    Raises:
      StageError: the version cannot be loaded.
    """
    import tensorflow as tf

    try:
        signature = tf.saved_model.load(str(serving / str(version))).signatures[features.SERVING_SIGNATURE]
    except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
        reason = str(error).partition("\n")[0]
        raise StageError(
            f"version {version} cannot be loaded: {reason}; push another one, or go back with rollback"
        ) from error
    for image in images:
        try:
            outputs = signature(**{features.IMAGE_BYTES: tf.constant([image.read_bytes()])})
        except tf.errors.OpError:
            yield Prediction(str(image), error=UNDECODABLE)
            continue
        except OSError as error:
            yield Prediction(str(image), error=error.strerror or str(error))
            continue
        labels = [label.decode() for label in outputs[features.TOP_LABELS].numpy()[0]]
        yield Prediction.ranked(image, labels, outputs[features.TOP_PROBABILITIES].numpy()[0])
