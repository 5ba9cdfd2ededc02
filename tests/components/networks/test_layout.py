from __future__ import annotations

import keras
import numpy as np
import pytest

from components.errors import TrainingError
from components.networks.layout import assign, difference, layout_of, refuse_difference

EXPECTED = [("stem/kernel", (3, 3, 1, 4)), ("stem/bias", (4,))]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (EXPECTED, None),
        ([("first/kernel", (3, 3, 1, 4)), ("first/bias", (4,))], None),
        ([EXPECTED[0], ("stem/bias", (5,))], "stem/bias has the shape (5,), where (4,) was expected"),
        ([("a", (9,)), ("b", (9,))], "a has the shape (9,), where (3, 3, 1, 4) was expected for stem/kernel"),
        (EXPECTED[:1], "it has 1 arrays, where 2 were expected"),
        ([EXPECTED[1]], "stem/bias has the shape (4,), where (3, 3, 1, 4) was expected for stem/kernel, and it has 1"),
    ],
)
def test_the_first_difference_is_told(given: list[tuple[str, tuple[int, ...]]], told: str | None) -> None:
    """Shapes and number count, names do not."""
    found = difference(EXPECTED, given)
    assert found is None if told is None else str(found).startswith(told)


def test_what_differs_is_refused_with_its_origin() -> None:
    """What fits passes; the error for what does not says where it came from, what differs, and what to do."""
    refuse_difference(EXPECTED, EXPECTED, "old.keras")
    told = r"^old\.keras holds the weights of another architecture: it has 1 arrays, .*; state the section model"
    with pytest.raises(TrainingError, match=told):
        refuse_difference(EXPECTED, EXPECTED[:1], "old.keras")


def test_weights_are_taken_over_in_their_order() -> None:
    """Each array gets the values of the one in its place; a layout lists them so."""
    first, second = (
        keras.layers.Dense(3, kernel_initializer="ones", bias_initializer=bias) for bias in ("ones", "zeros")
    )
    for layer in (first, second):
        layer.build((None, 2))
    assign(second.weights, first.weights)
    np.testing.assert_array_equal(second.bias, [1, 1, 1])
    assert [shape for _, shape in layout_of(second.weights)] == [(2, 3), (3,)]
