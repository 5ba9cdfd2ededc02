"""The figures of a training, and what is drawn from them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

History: TypeAlias = dict[str, list[float]]


def class_figures(confusion: np.ndarray) -> dict[str, float]:
    """Accuracy, and precision, recall and F1 averaged over the classes that occur (macro averages).

    Args:
      confusion: number of examples, float [classes, classes], by true and predicted class.
    """
    correct = np.diag(confusion)
    true, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    occurs = true > 0
    recall = correct[occurs] / true[occurs]
    precision = correct[occurs] / np.maximum(predicted[occurs], 1)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return {
        "accuracy": float(correct.sum() / max(confusion.sum(), 1)),
        "precision": float(precision.mean()),
        "recall": float(recall.mean()),
        "f1": float(f1.mean()),
    }
