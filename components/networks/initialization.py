"""Which initialiser fits an activation."""

from __future__ import annotations

_OUTSIDE_THE_RELU_FAMILY = frozenset({"tanh"})


def initializer_for(activation: str) -> str:
    """Name of the Keras initialiser of a layer's kernel.

    He et al. 2015 ("Delving Deep into Rectifiers") for ReLU and its family, Glorot and Bengio 2010
    ("Understanding the difficulty of training deep feedforward neural networks") for tanh.
    """
    return "glorot_uniform" if activation in _OUTSIDE_THE_RELU_FAMILY else "he_normal"
