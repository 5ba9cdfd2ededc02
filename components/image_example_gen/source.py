"""The files of a source: which there are, to which split each belongs, and a fingerprint of them all."""

from __future__ import annotations

import hashlib
import posixpath
import re
from typing import NamedTuple

from apache_beam.io.filesystems import FileSystems

from components.errors import DataError
from components.image_example_gen.splitting import overlapping, split_of_file
from schemas.experiment import Splits


class SourceFile(NamedTuple):
    """One file of the source."""

    path: str
    relative_path: str
    split: str
    num_bytes: int
    modified: float


def list_files(source: str, splits: Splits) -> list[SourceFile]:
    """Lists the files of a source that some split takes, in the order of their names.

    Args:
      source: a directory, local or of any file system that Beam reads.
      splits: the experiment's `data.splits`.

    Raises:
      DataError: there is no such file, or one is taken by two splits.
    """
    root = source.rstrip("/")
    found = []
    # Beam cannot be told that a directory is called a[b], but finds it, with its like, as a?b].
    anywhere = re.sub(r"[*?\[]", "?", root)
    for metadata in FileSystems.match([f"{anywhere}/**"])[0].metadata_list:
        if not metadata.path.startswith(f"{root}/"):
            continue
        relative = posixpath.relpath(metadata.path, root)
        if any(part.startswith((".", "_")) for part in relative.split("/")):
            continue
        split = split_of_file(relative, splits)
        if len(taken := overlapping(relative, splits)) > 1:
            raise DataError(
                f"{relative} belongs to the splits {' and '.join(taken)} at once;"
                " change the patterns in data.splits so that each file is taken by one"
            )
        if split is not None:
            found.append(
                SourceFile(metadata.path, relative, split, metadata.size_in_bytes, metadata.last_updated_in_seconds)
            )
    if not found:
        raise DataError(f"no file in {source} is taken by data.splits; check data.source and the patterns")
    return sorted(found, key=lambda file: file.relative_path)


def fingerprint(files: list[SourceFile]) -> str:
    """SHA-256 over names, sizes and times of change, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for file in files:
        line = f"{file.relative_path}\0{file.num_bytes}\0{file.modified}\0{file.split}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
