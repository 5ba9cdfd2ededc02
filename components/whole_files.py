"""Files that are there whole or not at all, however the process ends that writes them."""

from __future__ import annotations

import os
from pathlib import Path

from components.durability import sync


def write_whole(file: Path, text: str) -> None:
    """Writes a text in place of what the file held.

    Args:
      file: in a directory that exists.
      text: goes to the disk before the file gets its name, and the name before this returns.
    """
    growing = file.with_name(f".{file.name}")
    with growing.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(growing, file)
    sync(file.parent)
