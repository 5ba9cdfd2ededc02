"""A digest of a stage's code, so that changed code never meets a cached result."""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path

_COMPONENTS = Path(__file__).parent
_SCHEMAS = _COMPONENTS.parent / "schemas"
_SHARED = tuple(_SCHEMAS / name for name in ("section.py", "data.py", "experiment.py", "features.py"))
_PACKAGES = ("tensorflow", "keras", "tensorflow-transform", "tensorflow-data-validation", "tfx")


def code_digest(stage: str) -> str:
    """Digests the sources of one stage, what all stages share, and the versions of the core packages.

    Args:
      stage: name of a folder of `components`.

    Returns:
      SHA-256 as 64 hexadecimal digits.

    Raises:
      FileNotFoundError: there is no such stage.
    """
    folder = _COMPONENTS / stage
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no stage {stage!r} in {_COMPONENTS}")
    digest = hashlib.sha256()
    for source in [*sorted(_COMPONENTS.glob("*.py")), *sorted(folder.glob("*.py")), *_SHARED]:
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    for package in _PACKAGES:
        digest.update(f"{package}=={metadata.version(package)}\0".encode())
    return digest.hexdigest()
