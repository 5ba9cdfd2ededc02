"""A disk that forgets, as by a loss of power, all that was not brought to it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.programs import do_without

# From the kernel's fs/ext4/ext4.h: stop at once, and do not even write the journal.
_EXT4_IOC_SHUTDOWN = 0x8004587D
_NO_LOG_FLUSH = 2
_PATIENCE = 20.0
_PAUSE = 0.1


class Disk:
    """An ext4 file system in an image, mounted at a directory."""

    def __init__(self, directory: Path, image: Path) -> None:
        self.directory = directory
        self._image = image

    def mount(self) -> None:
        """Connects it; what its journal holds is replayed."""
        # Of itself it brings nothing to the disk then, for as long as any test takes.
        _run("mount", "-o", "loop,commit=300", str(self._image), str(self.directory))

    def lose_power(self) -> None:
        """From now on nothing reaches the disk, and all that is done on it fails."""
        descriptor = os.open(self.directory, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _EXT4_IOC_SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def come_back(self) -> None:
        """Mounts it again, as a machine does that has power again; those who used it have ended before."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                _run("umount", str(self.directory))
                break
            except subprocess.CalledProcessError:
                # The kernel may still be closing the files of a process that was killed.
                if time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE)
        self.mount()


@contextlib.contextmanager
def disk_at(directory: Path, image: Path, megabytes: int) -> Iterator[Disk]:
    """A new disk; skips the test where this process may not mount one, which in continuous integration is a failure.

    Args:
      directory: where it is mounted; made.
      image: the file that holds it; made.
      megabytes: its size.
    """
    if os.geteuid() != 0:
        do_without("only root may mount a file system")
    directory.mkdir(parents=True)
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    disk = Disk(directory, image)
    try:
        _run("mkfs.ext4", "-q", "-F", str(image))
        disk.mount()
    except (OSError, subprocess.CalledProcessError) as error:
        do_without(f"no ext4 file system can be made and mounted here: {error}")
    try:
        yield disk
    finally:
        # Whoever still has a file open in it keeps it until that is closed.
        _run("umount", "--lazy", str(directory))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
