"""A directory as one file, and back: an object store has whole objects, but no whole directories."""

from __future__ import annotations

import os
import tarfile
import tempfile
from pathlib import Path

from components.errors import StageError


def pack(place: Path, file: Path, *, hidden: bool = True) -> None:
    """Writes a directory, or a file, as a tar archive.

    Args:
      place: what is packed, under its own name, with times of change.
      file: the archive.
      hidden: also what has a name that starts with a dot.

    Raises:
      OSError: it cannot be read, or has changed meanwhile.
    """

    def chosen(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        return None if not hidden and Path(member.name).name.startswith(".") else member

    with tarfile.open(file, "w") as archive:
        archive.add(place, place.name, filter=chosen)


def unpack(file: Path, place: Path) -> None:
    """Puts back what `pack` wrote, whole or not at all.

    Args:
      file: the archive.
      place: where what was packed was; nothing may be there.

    Raises:
      OSError: it cannot be written.
      StageError: the archive is damaged.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".unpacking-") as directory:
        try:
            with tarfile.open(file) as archive:
                archive.extractall(directory, filter="data")
        except tarfile.TarError as error:
            raise StageError(f"what was sent of {place} is damaged: {error}; remove it, then run again") from error
        os.replace(Path(directory, place.name), place)
