"""What an exported model says of stored examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.evaluator.metrics import Scores
from components.servable import read_labels
from schemas import features

_BATCH = 256


class ScoredModel:
    """A servable, by its signature for examples, as the model server would answer."""

    def __init__(self, directory: str) -> None:
        """Loads it.

        Args:
          directory: of the SavedModel.
        """
        self._model = tf.saved_model.load(directory)
        self._signature = self._model.signatures[features.EXAMPLES_SIGNATURE]
        self.labels = read_labels(directory)

    def score(self, files: Sequence[str]) -> Scores:
        """Its probabilities for all examples, in the order of the files.

        Args:
          files: TFRecords of `tf.Example`s with a label.
        """
        labels, probabilities = [], []
        for batch in _batches(files):
            parsed = tf.io.parse_example(batch, {features.LABEL: tf.io.FixedLenFeature([], tf.int64)})
            labels.append(parsed[features.LABEL].numpy())
            answer = self._signature(**{features.EXAMPLES: batch})
            probabilities.append(answer[features.PROBABILITIES].numpy())
        return Scores(np.concatenate(labels), np.concatenate(probabilities))


def _batches(files: Sequence[str]) -> Iterator[tf.Tensor]:
    return iter(tf.data.TFRecordDataset(list(files)).batch(_BATCH).prefetch(2))


def in_terms_of(scores: Scores, own: Sequence[str], labels: Sequence[str]) -> Scores:
    """A model's scores with its classes in another order, where it was trained with other ones.

    Args:
      scores: their true labels counted along `labels`, their probabilities along `own`.
      own: the model's classes.
      labels: the classes wanted; one that the model does not know has no probability. Those that the model alone
        knows come after them, so that a prediction of one counts as wrong.
    """
    if tuple(own) == tuple(labels):
        return scores
    places = {label: index for index, label in enumerate((*labels, *(set(own) - set(labels))))}
    probabilities: NDArray[np.float32] = np.zeros((len(scores.labels), len(places)), np.float32)
    probabilities[:, [places[label] for label in own]] = scores.probabilities
    return Scores(scores.labels, probabilities)
