"""A Debian 13 to build on: the one that BASE_IMAGE names, a registry's, or one made of Debian's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tests.containers.podman import Podman
from tests.programs import debian_program

_PUBLIC = "docker.io/library/debian:13-slim"
_MADE = "localhost/debian:13"
_PULL_SECONDS = 120
_BOOTSTRAP_SECONDS = 900


def base_image(podman: Podman) -> str:
    """Finds or makes the image.

    Returns:
      Its name.
    """
    if given := os.environ.get("BASE_IMAGE"):
        return given
    for known in (_PUBLIC, _MADE):
        if podman.has_image(known):
            return known
    pulled = subprocess.run(
        ["timeout", str(_PULL_SECONDS), "podman", "pull", "--quiet", _PUBLIC],
        env=podman.environment,
        capture_output=True,
        check=False,
    )
    if pulled.returncode == 0:
        return _PUBLIC
    _bootstrap(podman)
    return _MADE


def _bootstrap(podman: Podman) -> None:
    """Makes the image by debootstrap, which needs root."""
    debian_program("debootstrap", "debootstrap")
    directory = Path(tempfile.mkdtemp(prefix="debian-"))
    try:
        root, packed = directory / "root", directory / "root.tar"
        made = subprocess.run(
            ["debootstrap", "--variant=minbase", "trixie", str(root)],
            env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"},
            capture_output=True,
            text=True,
            check=False,
            timeout=_BOOTSTRAP_SECONDS,
        )
        assert made.returncode == 0, f"debootstrap failed:\n{made.stdout[-3000:]}{made.stderr[-3000:]}"
        for leftover in (root / "var/cache/apt/archives", root / "var/lib/apt/lists"):
            shutil.rmtree(leftover)
            (leftover / "partial").mkdir(parents=True)
        with tarfile.open(packed, "w", format=tarfile.PAX_FORMAT) as file:
            file.add(root, ".")
        podman("import", "--quiet", str(packed), _MADE)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
