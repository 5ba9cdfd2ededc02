"""What travels with the SavedModel, made of real images of the splits that the training has read."""

from __future__ import annotations

import posixpath

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.feeding.source import Reader, Source
from components.trainer.lite import convert
from components.training.feeds import train_split
from components.training.request import TrainingRequest
from components.transform.graph import normalization_of
from components.warm_up import first_files, write_warm_up
from schemas import features
from schemas.export import Export

_NUM_REPRESENTATIVE = 128


def write_extras(directory: str, network: keras.Model, request: TrainingRequest, export: Export) -> None:
    """Writes warm-up requests and TensorFlow Lite models into `assets.extra` of an exported model.

    Args:
      directory: of the SavedModel.
      network: trained.
      request: of its training, for the files of its examples.
      export: the experiment's section.

    Raises:
      TrainingError: the network cannot be converted.
    """
    if export.warm_up:
        write_warm_up(directory, first_files(request.eval_files, max(export.warm_up)), export.warm_up)
    if export.tflite:
        train = train_split(request)
        pixels = _first_pixels(train)
        normalization = normalization_of(train.transform, request.preprocessing)
        for kind in export.tflite:
            path = posixpath.join(directory, features.LITE_MODELS[kind])
            tf.io.gfile.makedirs(posixpath.dirname(path))
            with tf.io.gfile.GFile(path, "wb") as file:
                file.write(convert(network, normalization, kind, pixels))


def _first_pixels(source: Source) -> NDArray[np.uint8]:
    """Images to scale 8 bits by, [images, height, width, channels]."""
    reader = Reader(source)
    records = reader.records().take(_NUM_REPRESENTATIVE).batch(_NUM_REPRESENTATIVE)
    [(pixels, _)] = records.map(reader.transformed).as_numpy_iterator()
    return pixels
