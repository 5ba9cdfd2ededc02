from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from components.errors import TrainingError
from components.feeding.class_weights import class_weights
from schemas.training import Training

COUNTS, LABELS = [60, 30, 10], ["ant", "bee", "cat"]


def test_balanced_classes_weigh_the_same_in_all() -> None:
    """The rarer a class, the more, so that all weigh as much together; as scikit-learn has it."""
    weights = class_weights(Training(class_weights="balanced"), COUNTS, LABELS)
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights * COUNTS, [100 / 3] * 3, rtol=1e-6)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=np.repeat([0, 1, 2], COUNTS))
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


def test_a_class_without_examples_has_a_finite_weight() -> None:
    """No division by zero."""
    assert np.isfinite(class_weights(Training(class_weights="balanced"), [9, 0], ["ant", "bee"])).all()


def test_named_classes_have_their_weights() -> None:
    """What is left out has 1; without any all have."""
    assert class_weights(Training(class_weights={"cat": 4, "ant": 0.5}), COUNTS, LABELS).tolist() == [0.5, 1, 4]
    assert class_weights(Training(), COUNTS, LABELS).tolist() == [1, 1, 1]


def test_an_unknown_class_is_refused() -> None:
    """The error names it, the likely one, and those that are known."""
    with pytest.raises(TrainingError, match=r"names 'bees', which .* did you mean 'bee'\?; known here: ant, bee, cat"):
        class_weights(Training(class_weights={"ant": 2, "bees": 4}), COUNTS, LABELS)
