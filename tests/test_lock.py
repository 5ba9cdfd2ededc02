"""`requirements.lock`: what it promises to an installation, and what the installation made of it."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
TOML = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")


def locked_blocks() -> Iterator[tuple[Requirement, str]]:
    """Every requirement of the lock, with the text that follows it."""
    text = (ROOT / "requirements.lock").read_text()
    for block in re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"^( *)#.*\n", "", text, flags=re.MULTILINE)):
        pinned, _, rest = block.partition("\\\n")
        yield Requirement(pinned.strip()), rest


def test_the_lock_holds_versions_and_hashes_and_no_address() -> None:
    """Every package is pinned to one version, by hash, from no named place."""
    blocks = list(locked_blocks())
    assert len(blocks) > 100
    for requirement, rest in blocks:
        assert re.fullmatch(r"==[^*]+", str(requirement.specifier)), requirement
        assert requirement.url is None
        assert "--hash=sha256:" in rest, requirement
    assert "://" not in (ROOT / "requirements.lock").read_text()


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_the_lock_covers_every_dependency(version: str) -> None:
    """For each Python, each dependency of pyproject.toml has a pin in the lock that satisfies it."""
    interpreter = {"python_version": version, "python_full_version": f"{version}.1"}
    pins = {
        requirement.name: next(iter(requirement.specifier)).version
        for requirement, _ in locked_blocks()
        if requirement.marker is None or requirement.marker.evaluate(interpreter)
    }
    project = TOML.loads((ROOT / "pyproject.toml").read_text())["project"]
    for text in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(interpreter):
            name = requirement.name.lower().replace("_", "-")
            assert name in pins, f"run 'make lock': {requirement} is not in the lock for Python {version}"
            assert requirement.specifier.contains(pins[name]), f"run 'make lock': {requirement}, locked {pins[name]}"


@pytest.mark.parametrize("package", ["apache_beam", "keras", "tensorflow", "tfx"])
def test_installed_packages_are_compiled(package: str) -> None:
    """Bytecode is made at install: with PYTHONDONTWRITEBYTECODE, imports would else compile anew each time."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    assert Path(importlib.util.cache_from_source(spec.origin)).exists(), "remove .venv and run 'make environment'"
