"""The container image: what is in it, who runs it, how soon it is built again."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.containers.building import ROOT, Image, build
from tests.containers.podman import Podman

_CHANGED = "localhost/darkroom:changed"
_COMPILERS = ("gcc", "g++", "cc", "c++", "clang", "as", "ld", "make")
_IMPORTS = """
import keras, keras_tuner, kfp, matplotlib.pyplot, ml_metadata, sklearn, tensorflow, tensorflow_data_validation
import tensorflow_model_analysis, tensorflow_serving.apis, tensorflow_transform, tfx
import components, local_runner, pipeline.run
import pathlib
for home in (pathlib.Path.home(), pathlib.Path("/tmp")):
    (home / "written").write_text("")
print(tensorflow.__version__, tfx.__version__)
"""
_INSTALLED = """
import importlib.metadata, json, re
print(json.dumps({re.sub("[-_.]+", "-", each.name).lower(): each.version
                  for each in importlib.metadata.distributions()}))
"""
# Of the extra `dev`, those that nothing else asks for.
_DEVELOPMENT = {"mypy", "playwright", "pytest", "pytest-xdist", "ruff"}


def test_it_runs_as_a_numeric_user_without_a_compiler(podman: Podman, image: Image) -> None:
    """Kubernetes can tell that its user is not root; the code is not his to change; nothing builds programs in it."""
    user = json.loads(podman("image", "inspect", image.name))[0]["Config"]["User"]
    assert re.fullmatch(r"[1-9][0-9]*:0", user)
    script = f"id -u; for name in {' '.join(_COMPILERS)}; do command -v $name; done; touch local_runner.py 2>&1; exit 0"
    uid, *rest = podman("run", "--rm", image.name, "sh", "-c", script).splitlines()
    assert uid == user.partition(":")[0]
    assert [line.rpartition(":")[2].strip() for line in rest] == ["Permission denied"]


@pytest.mark.parametrize("user", ["10001:0", "1234567:0", "7654321:7654321"])
def test_any_user_imports_the_stack(podman: Podman, image: Image, user: str) -> None:
    """Also one whom only the cluster has numbered, with nothing to write to but memory."""
    memory = ["--tmpfs", "/tmp:mode=1777", "--tmpfs", "/home/darkroom:mode=1777"]
    printed = podman("run", "--rm", "--read-only", *memory, "--user", user, image.name, "python", "-c", _IMPORTS)
    locked = _locked()
    assert printed.split()[-2:] == [locked["tensorflow"], locked["tfx"]]


def test_it_holds_what_the_lock_names_and_no_tools(podman: Podman, image: Image) -> None:
    """Every package has the version of requirements.lock, and what only development needs is not among them."""
    installed = json.loads(podman("run", "--rm", image.name, "python", "-c", _INSTALLED))
    assert len(installed) > 200
    locked = _locked()
    assert {name: version for name, version in installed.items() if locked.get(name) != version} == {}
    assert not _DEVELOPMENT & set(installed)
    assert set(locked) >= _DEVELOPMENT


def test_it_says_where_it_is_from(podman: Podman, image: Image) -> None:
    """The build prints the digest that names the image, and a label tells the revision; secrets leave no trace."""
    [described] = json.loads(podman("image", "inspect", image.name))
    assert image.digest == described["Digest"]
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    revision = described["Config"]["Labels"]["org.opencontainers.image.revision"]
    assert revision.removesuffix("-dirty") == head.strip()
    found = podman(
        "run",
        "--rm",
        image.name,
        "sh",
        "-c",
        "env; find /run/secrets /uv /var/cache/uv 2>/dev/null -type f; exit 0",
    )
    assert "CERT" not in found
    assert "INDEX" not in found
    assert not [line for line in found.splitlines() if line.startswith("/")]


def test_a_change_of_code_is_built_in_seconds(podman: Podman, base: str, image: Image, tmp_path: Path) -> None:
    """Only the layer of the code is made anew, so that a cluster fetches no more than that."""
    context = tmp_path / "tree"
    shutil.copytree(ROOT, context, ignore=shutil.ignore_patterns(".*", "tests", "workspace", "__pycache__"))
    shutil.copy(ROOT / ".dockerignore", context)
    with (context / "local_runner.py").open("a") as file:
        file.write("\n# changed\n")
    changed = build(podman, base, context, _CHANGED)
    try:
        assert podman("run", "--rm", _CHANGED, "tail", "-n", "1", "local_runner.py") == "# changed\n"
        assert changed.seconds < 60
        assert changed.digest != image.digest
        assert _layers(podman, _CHANGED)[:-1] == _layers(podman, image.name)[:-1]
    finally:
        podman("rmi", _CHANGED)


def _layers(podman: Podman, image: str) -> list[str]:
    layers = json.loads(podman("image", "inspect", image))[0]["RootFS"]["Layers"]
    assert len(layers) > 2
    return list(layers)


def _locked() -> dict[str, str]:
    """The lock's versions for the image's Python."""
    lines = re.findall(r"^([\w.-]+==[^\\\n]+)\\?$", (ROOT / "requirements.lock").read_text(), flags=re.MULTILINE)
    requirements = [Requirement(line) for line in lines]
    python = {"python_full_version": "3.13.5", "python_version": "3.13"}
    return {
        each.name: str(each.specifier).removeprefix("==")
        for each in requirements
        if each.marker is None or each.marker.evaluate(python)
    }
