"""Small file systems of their own, that fill up or turn read-only."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.programs import do_without


@contextlib.contextmanager
def mounted(directory: Path, megabytes: int) -> Iterator[Path]:
    """A file system of so many megabytes at a directory; the test does without where this process may not mount."""
    if os.geteuid() != 0:
        do_without("only root may mount a file system")
    directory.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(directory)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        do_without("root may not mount here")
    try:
        yield directory
    finally:
        # Whoever still has a file open in it keeps it until that is closed.
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


def remount(directory: Path, mode: str) -> None:
    """Makes it read-only (`ro`) or writable (`rw`)."""
    subprocess.run(["mount", "-o", f"remount,{mode}", str(directory)], check=True)


def fill(ballast: Path, leave: int = 0) -> None:
    """Takes all the space that is left, or all but so many bytes."""
    with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
        while not leave or shutil.disk_usage(ballast.parent).free > leave:
            file.write(bytes(1 << 16))
