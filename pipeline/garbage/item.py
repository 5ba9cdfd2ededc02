"""One thing that lies in a workspace."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

# Kinds, in the order in which they are shown.
ARTIFACTS = "artifacts"
LOST = "lost artifacts"
"""Directories that no artifact stands for: of stages that were killed, or of a removal that was."""
TEMPORARY = "temporary files"
RUNS = "runs"
LOGS = "logs of older runs"
REPORTS = "reports"
CHECKPOINTS = "checkpoints"
QUARANTINE = "quarantine"
PUSHES = "dead pushes"
KINDS = (ARTIFACTS, LOST, TEMPORARY, RUNS, LOGS, REPORTS, CHECKPOINTS, QUARANTINE, PUSHES)


@dataclass(frozen=True)
class Item:
    """A file or a directory with all that is in it."""

    kind: str
    path: Path
    num_bytes: int
    """On disk."""
    kept_for: str | None = None
    """Who needs it; None where nothing does."""
    artifact: int | None = None
    """Its id in ML Metadata, where it is an artifact."""


def size_on_disk(path: Path) -> int:
    """Bytes that a file, or a directory and all in it, take; what goes away meanwhile counts nothing."""
    total = _blocks(path)
    for directory, directories, files in os.walk(path):
        total += sum(_blocks(Path(directory, name)) for name in (*directories, *files))
    return total


def _blocks(path: Path) -> int:
    try:
        # The kernel counts blocks of 512 bytes, whatever those of the file system are.
        return path.lstat().st_blocks * 512
    except OSError:
        return 0
