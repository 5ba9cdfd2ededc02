"""Where what nodes make is kept, as the Launcher and the readers of results see it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from components.durability import sync, sync_tree


class Artifacts(Protocol):
    """By their uri: a local directory, or a file."""

    def fetch(self, uri: str) -> None:
        """Brings an artifact to where its uri says, if it is not there; one that is nowhere is left to its reader."""

    def keep(self, uri: str) -> None:
        """Makes an artifact last, before ML Metadata says that it is complete."""


class LocalArtifacts:
    """Those of a workspace on a disk."""

    def __init__(self, root: str) -> None:
        """Touches nothing.

        Args:
          root: of all artifacts; directories above it are left alone.
        """
        self._root = root

    def fetch(self, uri: str) -> None:
        """They are there."""

    def keep(self, uri: str) -> None:
        """Brings all that an artifact holds to the disk, and the directories above it.

        Raises:
          OSError: the disk fails.
        """
        place = Path(uri)
        if not place.exists():
            return
        if place.is_dir():
            sync_tree(place)
        else:
            sync(place)
        for parent in place.parents:
            if not parent.is_relative_to(self._root):
                break
            sync(parent)
