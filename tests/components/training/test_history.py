from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from components.training.history import class_figures


def test_figures_are_scikit_learns() -> None:
    """Macro precision, recall and F1 of a confusion matrix are those that scikit-learn computes from the labels."""
    random = np.random.default_rng(0)
    true = random.integers(0, 4, 200)
    predicted = np.where(random.random(200) < 0.6, true, random.integers(0, 4, 200))
    confusion = np.zeros((4, 4))
    np.add.at(confusion, (true, predicted), 1)
    figures = class_figures(confusion)
    expected = precision_recall_fscore_support(true, predicted, average="macro")[:3]
    assert [figures[name] for name in ("precision", "recall", "f1")] == pytest.approx(expected)
    assert figures["accuracy"] == pytest.approx(np.mean(true == predicted))
    assert all(type(value) is float for value in figures.values())


def test_a_class_that_does_not_occur_does_not_count() -> None:
    """A class without examples changes no average; one that is never predicted has precision 0."""
    figures = class_figures(np.array([[2.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    assert figures["recall"] == pytest.approx(0.5)
    assert figures["precision"] == pytest.approx((2 / 3 + 0) / 2)
