"""A digest of a stage's code, so that changed code never meets a cached result."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

_ROOT = Path(__file__).parent.parent
_OURS = ("components", "schemas")
_PACKAGES = ("tensorflow", "keras", "tensorflow-transform", "tensorflow-data-validation", "tfx")


def code_digest(stage: str) -> str:
    """Digests the sources of one stage, all of this project that they import, and the versions of the core packages.

    What is imported for type checking alone does not count.

    Args:
      stage: name of a folder of `components`.

    Returns:
      SHA-256 as 64 hexadecimal digits.

    Raises:
      FileNotFoundError: there is no such stage.
    """
    folder = _ROOT / "components" / stage
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no stage {stage!r} in {folder.parent}")
    digest = hashlib.sha256()
    for source in sorted(_with_imports(sorted(folder.glob("*.py")))):
        digest.update(str(source.relative_to(_ROOT)).encode() + b"\0" + source.read_bytes() + b"\0")
    for package in _PACKAGES:
        digest.update(f"{package}=={metadata.version(package)}\0".encode())
    return digest.hexdigest()


def _with_imports(sources: list[Path]) -> set[Path]:
    found: set[Path] = set()
    waiting = list(sources)
    while waiting:
        source = waiting.pop()
        if source not in found:
            found.add(source)
            waiting += _imported(ast.parse(source.read_bytes()))
    return found


def _imported(tree: ast.AST) -> Iterator[Path]:
    """Files of this project that a module imports, anywhere but for type checking."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # A name imported from a package may be a module of its own.
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            if name.partition(".")[0] in _OURS:
                file = _ROOT.joinpath(*name.split(".")).with_suffix(".py")
                if file.is_file():
                    yield file
        yield from _imported(node)
