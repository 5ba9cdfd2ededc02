from __future__ import annotations

import pytest

from pipeline.report.wording import change, count, counted, number, short, size


def test_figures() -> None:
    """Metrics have four digits, changes their sign, counts their thousands apart."""
    assert (number(0.98765), number(None)) == ("0.9877", "")
    assert (change(0.01), change(-0.01)) == ("+0.0100", "\N{MINUS SIGN}0.0100")
    assert count(70000.0) == "70,000"
    assert (counted(1, "run"), counted(2, "run")) == ("1 run", "2 runs")


@pytest.mark.parametrize(
    ("num_bytes", "text"), [(12, "12 bytes"), (2048, "2.0 KiB"), (3 << 20, "3.0 MiB"), (5 << 30, "5.0 GiB")]
)
def test_sizes(num_bytes: int, text: str) -> None:
    """In the largest unit that fits."""
    assert size(num_bytes) == text


def test_labels_stay_on_their_line() -> None:
    """Long ones lose their middle; line ends, NUL and characters that turn the text around are made visible."""
    assert short("rose") == "rose"
    assert short("a" * 20 + "b" * 20, 11) == "aaaaa…bbbbb"
    assert short("one\ntwo\0\u202ethree") == "one·two··three"
