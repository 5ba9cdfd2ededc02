"""One step of learning and one of evaluating, on however many replicas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from components.feeding.augmentation import Augmenter
from components.training.schedules import Rate
from components.transform.normalization import Normalization
from schemas.training import Training

NUM_SUMS = 3
Steps = Callable[[Iterator[Any], int, int], tf.Tensor]


def make_training_steps(
    strategy: tf.distribute.Strategy,
    network: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    rate: Rate,
    training: Training,
    prepare: Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]],
    class_weights: np.ndarray | None,
    batch_size: int,
) -> Steps:
    """Makes the function that takes some steps of learning.

    Args:
      strategy: of the network's variables.
      network: from images to logits.
      optimizer: of the network's trainable variables.
      rate: learning rate by step.
      training: the experiment's section.
      prepare: from pixels, uint8 [batch, height, width, channels], and labels, int64 [batch], to what the network
        takes and to shares of the classes, float32 [batch, classes].
      class_weights: weight of each class's examples, float32 [classes]; None weighs all alike.
      batch_size: over all replicas.

    Returns:
      Of an iterator over distributed batches, the number of steps so far and that of steps to take, the sums over their
      examples of loss, of right answers and of ones, float32 [3].
    """
    variables = network.trainable_variables
    optimizer.build(variables)
    weights = None if class_weights is None else tf.constant(class_weights, tf.float32)
    num_replicas = strategy.num_replicas_in_sync
    is_scheduled = training.schedule.kind != "constant" or training.schedule.warm_up_epochs > 0

    def learn(images: tf.Tensor, shares: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits = tf.cast(network(images, training=True), tf.float32)
            losses = tf.nn.softmax_cross_entropy_with_logits(shares, logits)
            if weights is not None:
                losses *= tf.linalg.matvec(shares, weights)
            objective = tf.reduce_sum(losses) / batch_size
            if network.losses:
                objective += tf.add_n([tf.cast(penalty, tf.float32) for penalty in network.losses]) / num_replicas
            objective = optimizer.scale_loss(objective)
        optimizer.apply(tape.gradient(objective, variables), variables)
        right = tf.equal(tf.argmax(logits, -1), tf.argmax(shares, -1))
        return tf.stack(
            [tf.reduce_sum(losses), tf.reduce_sum(tf.cast(right, tf.float32)), tf.cast(tf.size(right), tf.float32)]
        )

    learn_once = tf.function(learn, jit_compile=True, reduce_retracing=True) if training.xla else learn

    @tf.function(reduce_retracing=True)
    def learn_repeatedly(batches: Iterator[Any], first_step: tf.Tensor, num_steps: tf.Tensor) -> tf.Tensor:
        sums = tf.zeros([NUM_SUMS])
        for offset in tf.range(num_steps):
            if is_scheduled:
                optimizer.learning_rate.assign(rate(first_step + offset))
            # Apart from learning, for XLA does not know all of augmentation's kernels.
            prepared = strategy.run(prepare, args=next(batches))
            each = strategy.run(learn_once, args=prepared)
            sums += strategy.reduce(tf.distribute.ReduceOp.SUM, each, axis=None)
        return sums

    return learn_repeatedly


def augmented(
    augmenter: Augmenter, normalization: Normalization
) -> Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """Varies pixels and labels, then normalises the pixels as the Transform graph does."""

    def prepare(pixels: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        varied, shares = augmenter(tf.cast(pixels, tf.float32), labels)
        return normalization(varied), shares

    return prepare


def make_evaluation_step(
    strategy: tf.distribute.Strategy, network: keras.Model, normalization: Normalization, num_classes: int
) -> Callable[[Iterator[Any]], tuple[tf.Tensor, tf.Tensor]]:
    """Makes the function that evaluates one batch of each replica.

    Returns:
      Of an iterator over distributed batches, the sum of the examples' losses, float32 scalar, and how often which true
      class, by row, was answered by which, float32 [classes, classes].
    """

    def judge(pixels: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits = tf.cast(network(normalization(tf.cast(pixels, tf.float32)), training=False), tf.float32)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits) * weights
        answers = tf.argmax(logits, -1)
        confusion = tf.math.confusion_matrix(labels, answers, num_classes, weights=weights, dtype=tf.float32)
        return tf.reduce_sum(losses), confusion

    @tf.function(reduce_retracing=True)
    def judge_next(batches: Iterator[Any]) -> tuple[tf.Tensor, tf.Tensor]:
        losses, confusions = strategy.run(judge, args=next(batches))
        total = tf.distribute.ReduceOp.SUM
        return strategy.reduce(total, losses, axis=None), strategy.reduce(total, confusions, axis=None)

    return judge_next
