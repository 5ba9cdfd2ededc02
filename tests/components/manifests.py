"""Manifests, and the images that they name."""

from __future__ import annotations

from pathlib import Path

from components.image_example_gen.image_folder import Labeled
from components.image_example_gen.manifest import read_manifests
from components.image_example_gen.source import list_files
from schemas.data import Data


def write_images(directory: Path) -> Path:
    """Makes a directory with files of three bytes, `images/a.jpg` to `images/f.jpg`, beside a secret one."""
    (directory / "images").mkdir(parents=True)
    for name in "abcdef":
        (directory / "images" / f"{name}.jpg").write_text(name * 3)
    (directory.parent / "secret.jpg").write_text("secret")
    return directory


def read_manifest(content: str | bytes, path: Path, **keys: object) -> Labeled:
    """Writes a manifest and reads it; `keys` are those of the experiment's `data`."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    data = Data.model_validate({"source": str(path), "format": "manifest", **keys})
    return read_manifests(list_files(data, str(path)), data)[0]


def rows_of(labeled: Labeled) -> list[tuple[str, int | str]]:
    """The file of each row, and its label or else why it is refused."""
    return [(entry.source, entry.reason or entry.label) for entry in labeled.entries]
