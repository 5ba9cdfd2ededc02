"""Warm-up requests: what a model server asks a model once it is loaded, so that the first client need not wait."""

from __future__ import annotations

import os
from collections.abc import Sequence

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2
from tfx.dsl.io import fileio

from components.image_files import file_of
from schemas import features


def write_warm_up(servable: str, files: Sequence[bytes], batch_sizes: Sequence[int]) -> None:
    """Writes a request of each size, where TensorFlow Serving looks for them.

    Args:
      servable: directory of the SavedModel.
      files: real images, which take turns; without any nothing is written.
      batch_sizes: images in each request.
    """
    if not files:
        return
    path = os.path.join(servable, features.WARM_UP_REQUESTS)
    fileio.makedirs(os.path.dirname(path))
    with tf.io.TFRecordWriter(path) as writer:
        for size in batch_sizes:
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.signature_name = features.SERVING_SIGNATURE
            batch = [files[index % len(files)] for index in range(size)]
            request.inputs[features.IMAGE_BYTES].CopyFrom(tf.make_tensor_proto(batch, tf.string))
            writer.write(log.SerializeToString())


def first_files(patterns: Sequence[str], most: int) -> list[bytes]:
    """The first images of some TFRecords, as a client would send them."""
    paths = sorted(path for pattern in patterns for path in fileio.glob(pattern))
    records = tf.data.TFRecordDataset(paths).take(most).as_numpy_iterator()
    return [file_of(tf.train.Example.FromString(record))[0] for record in records]


def read_warm_up(servable: str) -> list[list[bytes]]:
    """The files of each request; none where there are no requests."""
    path = os.path.join(servable, features.WARM_UP_REQUESTS)
    if not fileio.exists(path):
        return []
    requests = []
    for record in tf.data.TFRecordDataset([path]).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        requests.append(tf.make_ndarray(request.inputs[features.IMAGE_BYTES]).tolist())
    return requests
