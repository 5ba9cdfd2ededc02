"""The feeds of one training."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf
import tensorflow_transform as tft

from components.feeding.evaluation import evaluation
from components.feeding.feed import Feed, make_feed
from components.feeding.memory import MemoryFeed
from components.feeding.replicas import ALONE, Replicas
from components.feeding.source import Decoded, Source
from components.training.request import TrainingRequest
from components.transform.graph import normalization_of
from components.transform.normalization import Normalization


class Feeds(NamedTuple):
    """What a training learns from and is judged by."""

    training: Feed
    evaluation: Callable[[], tf.data.Dataset]
    """Gives every example of the eval split once, as `components.feeding.evaluation` has them."""
    normalization: Normalization


def feeds_of(request: TrainingRequest, replicas: Replicas = ALONE) -> Feeds:
    """The feeds over a request's files."""
    transform = tft.TFTransformOutput(request.transform_directory)
    size = request.preprocessing
    shape = (size.height, size.width, size.channels)
    train = Source(request.train_files, transform, shape, request.num_train)
    judged = evaluation(
        Source(request.eval_files, transform, shape, request.num_eval), request.training.batch_size, replicas
    )
    normalization = normalization_of(transform, size)
    return Feeds(make_feed(train, request.training, replicas), lambda: judged, normalization)


def feeds_in_memory(
    request: TrainingRequest,
    train: Decoded,
    judged: Decoded,
    normalization: Normalization,
    replicas: Replicas = ALONE,
) -> Feeds:
    """The feeds over decoded examples, such as the folds of a cross-validation."""
    dataset = evaluation(judged, request.training.batch_size, replicas)
    return Feeds(MemoryFeed(train, request.training, replicas), lambda: dataset, normalization)
