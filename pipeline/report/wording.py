"""How figures and names are written in a report."""

from __future__ import annotations

import unicodedata

_LONGEST_LABEL = 28
_MINUS = "\N{MINUS SIGN}"
_STEP = 1024


def number(value: float | None) -> str:
    """A metric or a loss, with four digits after the point; empty where there is none."""
    return "" if value is None else f"{value:.4f}"


def change(value: float) -> str:
    """A difference, with its sign."""
    return f"{value:+.4f}".replace("-", _MINUS)


def count(value: float) -> str:
    """A whole number, its thousands apart."""
    return f"{int(value):,}"


def size(num_bytes: float) -> str:
    """A number of bytes in the largest fitting unit."""
    for unit in ("bytes", "KiB", "MiB"):
        if num_bytes < _STEP:
            return f"{num_bytes:.0f} {unit}" if unit == "bytes" else f"{num_bytes:.1f} {unit}"
        num_bytes /= _STEP
    return f"{num_bytes:.1f} GiB"


def counted(value: int, name: str) -> str:
    """A number and its noun."""
    return f"{count(value)} {name}" if value == 1 else f"{count(value)} {name}s"


def short(label: str, longest: int = _LONGEST_LABEL) -> str:
    """A label on one line, cut in its middle where it is long, without characters that cannot be seen."""
    seen = "".join(_visible(character) for character in label)
    if len(seen) <= longest:
        return seen
    half = (longest - 1) // 2
    return f"{seen[:half]}…{seen[-half:]}"


def _visible(character: str) -> str:
    # Control characters, and those that turn the direction of writing around.
    return "·" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") else character
