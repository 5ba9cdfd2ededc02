"""What arrays of weights a network or a file has, compared with what it should have."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from components.errors import TrainingError

# Names of arrays of weights, and their shapes.
Layout = Sequence[tuple[str, tuple[int, ...]]]


def layout_of(weights: Sequence[keras.Variable]) -> Layout:
    """Names and shapes of weights, in their order."""
    return [(weight.path, tuple(weight.shape)) for weight in weights]


def assign(weights: Sequence[keras.Variable], given: Sequence[keras.Variable]) -> None:
    """Gives weights the values of others of the same shapes."""
    for weight, value in zip(weights, given, strict=True):
        weight.assign(value)


def difference(expected: Layout, given: Layout) -> str | None:
    """Says where the shapes of two layouts first differ, and how their lengths do; None where they are alike."""
    found = []
    for (name, shape), (stored_name, stored_shape) in zip(expected, given, strict=False):
        if shape != stored_shape:
            place = "" if stored_name == name else f" for {name}"
            found.append(f"{stored_name} has the shape {stored_shape}, where {shape} was expected{place}")
            break
    if len(expected) != len(given):
        found.append(f"it has {len(given)} arrays, where {len(expected)} were expected")
    return ", and ".join(found) or None


def refuse_difference(expected: Layout, given: Layout, origin: str) -> None:
    """Lets weights through that fit.

    Args:
      expected: of the network that they are for.
      given: of the weights that came.
      origin: where they came from, for people.

    Raises:
      TrainingError: they differ in number or shapes.
    """
    found = difference(expected, given)
    if found is not None:
        raise TrainingError(
            f"{origin} holds the weights of another architecture: {found}; state the section model as they were"
            " trained with, or take other weights"
        )
