"""The image that all tests here run, built once."""

from __future__ import annotations

import pytest

from tests.containers.base_image import base_image
from tests.containers.building import Image, build
from tests.containers.podman import Podman
from tests.programs import debian_program


@pytest.fixture(scope="session")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Podman:
    """Podman with a configuration for these tests."""
    debian_program("podman", "podman runc netavark iptables")
    return Podman(tmp_path_factory.mktemp("podman"))


@pytest.fixture(scope="session")
def base(podman: Podman) -> str:
    """The image to build on."""
    return base_image(podman)


@pytest.fixture(scope="session")
def image(podman: Podman, base: str) -> Image:
    """The image of this tree."""
    return build(podman, base)
