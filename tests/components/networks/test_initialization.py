from __future__ import annotations

from typing import get_args

import keras
import pytest

from components.networks.initialization import initializer_for
from schemas.model import Model

ACTIVATIONS = get_args(Model.model_fields["activation"].annotation)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_activation_decides_the_initializer(activation: str) -> None:
    """He for ReLU and its family, Glorot for tanh; both are known to Keras."""
    name = initializer_for(activation)
    assert name == ("glorot_uniform" if activation == "tanh" else "he_normal")
    assert keras.initializers.get(name) is not None
    assert keras.activations.get(activation) is not None
