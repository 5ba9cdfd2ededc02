"""Builds the image as a person does: by `make image`."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from tests.containers.podman import Podman

ROOT = Path(__file__).parents[2]
NAME = "localhost/darkroom:test"

_BUILD_SECONDS = 1800


class Image(NamedTuple):
    """What was built."""

    name: str
    digest: str
    """As the build's last line tells it: `sha256:...`."""
    seconds: float


def build(podman: Podman, base: str, context: Path = ROOT, name: str = NAME) -> Image:
    """Builds the image of a tree.

    Args:
      podman: builds it.
      base: image to build on.
      context: the tree, or a copy of it.
      name: of the image.

    Raises:
      AssertionError: `make image` failed; with its output.
    """
    began = time.monotonic()
    done = subprocess.run(
        ["make", "--no-print-directory", "image"],
        cwd=context,
        env={
            # Containers that only build may use this machine's network, and its way to the package index, as it is.
            "BUILD_FLAGS": "--network host",
            **os.environ,
            **podman.environment,
            "IMAGE": name,
            "BASE_IMAGE": base,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=_BUILD_SECONDS,
    )
    seconds = time.monotonic() - began
    assert done.returncode == 0, done.stdout[-8000:]
    summary, last = done.stdout.splitlines()[-2:]
    print(f"{summary}; built in {seconds:.0f} s")
    told, _, digest = last.partition("@")
    assert told == name
    return Image(name, digest, seconds)
