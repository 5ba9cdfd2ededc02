"""Files that only have to be there."""

from __future__ import annotations

from pathlib import Path


def touch(root: Path, *names: str) -> None:
    """Makes files below a directory, each holding its own name, and the directories above them."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
