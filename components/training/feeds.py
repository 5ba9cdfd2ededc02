"""The feeds of one training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf
import tensorflow_transform as tft

from components.feeding.evaluation import evaluation
from components.feeding.feed import Feed, make_feed, settled
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
    judged = evaluation(_eval_split(request), request.training.batch_size, replicas)
    train = train_split(request)
    normalization = normalization_of(train.transform, request.preprocessing)
    return Feeds(make_feed(train, request.training, replicas), lambda: judged, normalization)


def settle(request: TrainingRequest) -> TrainingRequest:
    """The request with what follows from the free memory decided, so that every attempt and worker feeds alike."""
    return request.model_copy(update={"training": settled(train_split(request), request.training)})


def train_split(request: TrainingRequest) -> Source:
    """The examples that a training learns from."""
    return _split(request, request.train_files, request.num_train)


def _eval_split(request: TrainingRequest) -> Source:
    return _split(request, request.eval_files, request.num_eval)


def _split(request: TrainingRequest, files: Sequence[str], num_examples: int) -> Source:
    size = request.preprocessing
    transform = tft.TFTransformOutput(request.transform_directory)
    return Source(files, transform, (size.height, size.width, size.channels), num_examples)


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
