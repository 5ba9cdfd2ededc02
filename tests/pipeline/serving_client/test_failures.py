from __future__ import annotations

import pytest

from pipeline.serving_client.failures import shortened


@pytest.mark.parametrize(
    "words",
    [
        "Input is empty.",
        "Input is\n empty.\n\t [[{{function_node __inference_f_1}}{{node map/while/DecodeImage}}]]",
        "{{function_node __inference_f_1}} {{function_node __inference_g_2}} Input is empty.\n\t [[{{node a}}]]",
        "2 root error(s) found.\n  (0) Input is empty.\n\t [[{{node a}}]]\n  (1) Input is empty.\n\t [[{{node b}}]]",
    ],
)
def test_of_a_long_message_the_reason_is_told(words: str) -> None:
    """Nodes of the graph, line breaks and repetitions are left out."""
    assert shortened(words) == "Input is empty."


def test_a_message_ends() -> None:
    """A page of HTML in place of an answer does not fill the terminal."""
    assert shortened("x" * 1000) == "x" * 300 + "…"
