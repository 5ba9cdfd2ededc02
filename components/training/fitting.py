"""One training as its request states it, in this process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from components.feeding.augmentation import Augmenter
from components.feeding.class_weights import class_weights
from components.feeding.replicas import Replicas
from components.networks.groups import groups_of
from components.networks.imagenet import load_imagenet
from components.networks.network import base_of, build_network
from components.networks.weights import load_base, load_network
from components.training.callbacks import BestWeights, Callback, Targets, TensorBoard
from components.training.checkpoints import CheckpointStore
from components.training.feeds import Feeds, feeds_of
from components.training.history import History
from components.training.loop import Loop, Parts
from components.training.phases import plan
from components.training.request import TrainingRequest
from components.training.strategy import make_strategy, position
from schemas.model import WeightsFrom

RANDOM = "random"


@dataclass
class Fitted:
    """What a training made."""

    network: keras.Model
    """Built under the strategy, with its best weights."""
    optimizer: keras.optimizers.Optimizer
    """As it was after the last epoch."""
    history: History
    best_epoch: int
    """Counted from 1: the epoch that the weights are of."""
    stopped_by: str
    """`epochs`, `early_stopping`, `accuracy`, `loss` or `minutes`."""
    resumed_from: int | None
    """Epochs that an earlier attempt had done; None where there was none."""
    initial_weights: str
    """Where the first weights are from, for people."""
    seconds: float
    is_chief: bool


def fit(
    request: TrainingRequest,
    callbacks: Sequence[Callback] = (),
    initial: list[np.ndarray] | None = None,
    feeds: Feeds | None = None,
) -> Fitted:
    """Trains a network, from the last checkpoint where there is one.

    Args:
      request: what to train on what.
      callbacks: watch the training, beside those that the request asks for.
      initial: the network's first weights, as `network.variables` lists them; else the request says.
      feeds: of examples other than the request's files.

    Raises:
      TrainingError: weights cannot be had, or the training goes wrong.
    """
    training = request.training
    keras.utils.set_random_seed(training.seed)
    strategy = make_strategy()
    worker, num_workers = position(strategy)
    feeds = feeds or feeds_of(request, Replicas(num_workers, worker, strategy.num_replicas_in_sync // num_workers))
    with strategy.scope():
        network = build_network(request.model, request.preprocessing, request.num_classes, training.precision)
        initial_weights = _initialize(network, request, initial)
        augmenter = Augmenter(request.augmentation, request.num_classes, training.seed)
    groups = groups_of(base_of(network))
    parts = Parts(
        strategy=strategy,
        network=network,
        groups=groups,
        feed=feeds.training,
        evaluation=feeds.evaluation,
        augmenter=augmenter,
        normalization=feeds.normalization,
        class_weights=class_weights(training, request.class_counts, request.labels) if training.class_weights else None,
        num_classes=request.num_classes,
    )
    store = None
    if request.checkpoint_directory:
        store = CheckpointStore(request.checkpoint_directory, training.checkpoints.keep)
    loop = Loop(parts, training, plan(training, len(groups)), store)
    best = BestWeights(training.early_stopping, network.get_weights) if training.early_stopping else None
    watching: list[Callback] = [best] if best else []
    watching += [Targets(training.objectives, loop.seconds), *callbacks]
    if request.log_directory and worker == 0:
        watching.append(TensorBoard(request.log_directory, feeds.training.steps_per_epoch))
    loop.run(watching, f"{request.label}: " if request.label else "")
    if best is not None and best.weights:
        network.set_weights(best.weights)
    return Fitted(
        network=network,
        optimizer=loop.optimizer,
        history=loop.state.history,
        best_epoch=best.epoch if best and best.epoch else loop.state.epoch,
        stopped_by=loop.state.stopped_by or "epochs",
        resumed_from=loop.resumed_from,
        initial_weights=initial_weights,
        seconds=loop.state.seconds,
        is_chief=worker == 0,
    )


def _initialize(network: keras.Model, request: TrainingRequest, initial: list[np.ndarray] | None) -> str:
    """Gives the network its first weights, and says where they are from."""
    if initial is not None:
        network.set_weights(initial)
        return "warm-up"
    if request.initial_network is not None:
        is_whole = load_network(network, request.initial_network)
        return f"{'all' if is_whole else 'all but the last layer'} of {request.initial_network}"
    weights = request.model.weights
    if weights == "imagenet":
        load_imagenet(base_of(network), request.model.backbone)
        return "ImageNet"
    file = request.initial_base or (weights.file if isinstance(weights, WeightsFrom) else None)
    if file is None:
        return RANDOM
    load_base(base_of(network), file)
    return f"the base of {file}"
