from __future__ import annotations

import pytest

from pipeline.serving_client.failures import refusal, shortened


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (
            "Unknown image file format.\n\t [[{{node map/while/decode_image/DecodeImage}}]]",
            "cannot be decoded; expected a JPEG, PNG, GIF or BMP file",
        ),
        ("Task size 9 is larger than\nthe maximum", "refused by the server: Task size 9 is larger than the maximum"),
    ],
)
def test_a_refused_image(reason: str, told: str) -> None:
    """What cannot be decoded is told as it is without a server, all else in the server's words."""
    assert str(refusal(reason)) == told


def test_long_messages_are_cut() -> None:
    """A page that some other server sends does not fill the screen; one line stays one."""
    assert shortened("a\n\tb") == "a b"
    assert shortened("x" * 300) == "x" * 300
    assert shortened("x" * 301) == "x" * 300 + "…"
