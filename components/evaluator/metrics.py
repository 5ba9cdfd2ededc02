"""Metrics of predictions, in numpy. Tests hold them equal to TFMA's and scikit-learn's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Figures = dict[str, float]

EXAMPLE_COUNT = "example_count"

_NUM_BINS = 15
# Keras's own: no probability counts as less, lest one certain mistake be infinitely bad.
_EPSILON = 1e-7


@dataclass(frozen=True)
class Scores:
    """What a model says of some images."""

    labels: NDArray[np.int64]
    """[images]: the true classes."""
    probabilities: NDArray[np.float32]
    """[images, classes], each row of sum 1."""

    @property
    def predicted(self) -> NDArray[np.int64]:
        """[images]: the most likely classes; of equal ones the first."""
        return self.probabilities.argmax(axis=1)

    @property
    def of_label(self) -> NDArray[np.float32]:
        """[images]: the probability of the true class."""
        return np.take_along_axis(self.probabilities, self.labels[:, None], axis=1)[:, 0]


class Analysis:
    """All metrics of some scores, over any part of the images."""

    def __init__(self, scores: Scores, top_k: int) -> None:
        """Computes what each image adds.

        Args:
          scores: of at least one image.
          top_k: a label counts as found by `top_k_accuracy` where fewer classes than these are more likely.
        """
        self._labels, self._predicted = scores.labels, scores.predicted
        self._num_classes = scores.probabilities.shape[1]
        self._probabilities = scores.probabilities
        self._is_right = self._predicted == self._labels
        of_label = scores.of_label
        self._is_in_top = (scores.probabilities > of_label[:, None]).sum(axis=1) < top_k
        self._losses = -np.log(np.clip(of_label.astype(np.float64), _EPSILON, 1 - _EPSILON))
        self._confidences = scores.probabilities.max(axis=1)

    def overall(self) -> Figures:
        """The metrics over all images; those over classes are means over the classes that occur."""
        everything = np.ones(len(self._labels), bool)
        return {**self.within(everything), **_mean_auc(self._aucs())}

    def within(self, part: NDArray[np.bool_]) -> Figures:
        """The metrics over a part of the images, without those that only the whole has.

        Args:
          part: [images]; at least one.
        """
        precision, recall, f1 = _by_class(self._confusion(part))
        occurs = np.isin(np.arange(self._num_classes), self._labels[part])
        return {
            **self._of_images(part),
            "macro_precision": float(precision[occurs].mean()),
            "macro_recall": float(recall[occurs].mean()),
            "macro_f1": float(f1[occurs].mean()),
        }

    def of_classes(self) -> dict[int, Figures]:
        """For each class that occurs: the metrics over its images, and how well it is told from all others."""
        precision, recall, f1 = _by_class(self._confusion(np.ones(len(self._labels), bool)))
        aucs = self._aucs()
        found = {}
        for label in np.unique(self._labels).tolist():
            told = {"precision": precision[label], "recall": recall[label], "f1": f1[label]}
            if label in aucs:
                told["auc"] = aucs[label]
            found[label] = {**self._of_images(self._labels == label), **{name: float(x) for name, x in told.items()}}
        return found

    def _of_images(self, part: NDArray[np.bool_]) -> Figures:
        return {
            EXAMPLE_COUNT: float(part.sum()),
            "accuracy": float(self._is_right[part].mean()),
            "top_k_accuracy": float(self._is_in_top[part].mean()),
            "cross_entropy": float(self._losses[part].mean()),
            "calibration_error": _calibration_error(self._confidences[part], self._is_right[part]),
        }

    def _confusion(self, part: NDArray[np.bool_]) -> NDArray[np.int64]:
        return confusion_matrix(self._labels[part], self._predicted[part], self._num_classes)

    def _aucs(self) -> dict[int, float]:
        found = {}
        for label in np.unique(self._labels).tolist():
            is_of_class = self._labels == label
            if not is_of_class.all():
                found[label] = _area_under_curve(self._probabilities[:, label], is_of_class)
        return found


def confusion_matrix(labels: NDArray[np.int64], predicted: NDArray[np.int64], num_classes: int) -> NDArray[np.int64]:
    """How often images of a class (row) are taken for a class (column): [classes, classes]."""
    pairs = np.bincount(labels * num_classes + predicted, minlength=num_classes**2)
    return pairs.reshape(num_classes, num_classes)


def _by_class(confusion: NDArray[np.int64]) -> tuple[NDArray, NDArray, NDArray]:
    """Precision, recall and F1, each [classes]; 0 where nothing is divided by nothing, as scikit-learn has it."""
    right = np.diag(confusion).astype(np.float64)
    predicted, actual = confusion.sum(axis=0), confusion.sum(axis=1)
    precision, recall = _ratio(right, predicted), _ratio(right, actual)
    return precision, recall, _ratio(2 * right, predicted + actual)


def _ratio(part: NDArray, whole: NDArray) -> NDArray:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _area_under_curve(scores: NDArray[np.float32], is_positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve: how often a positive is above a negative, equal ones by half (Mann and Whitney)."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    num_positive = int(is_positive.sum())
    num_negative = len(scores) - num_positive
    above = ranks[is_positive].sum() - num_positive * (num_positive + 1) / 2
    return float(above / (num_positive * num_negative))


def _mean_auc(aucs: dict[int, float]) -> Figures:
    return {"macro_auc": float(np.mean(list(aucs.values())))} if aucs else {}


def _calibration_error(confidences: NDArray[np.float32], is_right: NDArray[np.bool_]) -> float:
    """Expected calibration error over bins of equal width (Guo et al., 2017, arXiv:1706.04599)."""
    bins = np.clip(np.ceil(confidences * _NUM_BINS).astype(int) - 1, 0, _NUM_BINS - 1)
    sums = np.bincount(bins, is_right - confidences.astype(np.float64), minlength=_NUM_BINS)
    return float(np.abs(sums).sum() / len(confidences))
