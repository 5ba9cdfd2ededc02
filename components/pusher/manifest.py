"""What a version consists of, by SHA-256: kept inside of it, so that it can be checked at any time."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from components.identity import who
from components.pusher.naming import MANIFEST

_CHUNK = 1 << 20
_NUM_SHOWN = 3


class FileFacts(NamedTuple):
    """Size in bytes, and SHA-256 as 64 hexadecimal digits."""

    size: int
    sha256: str


Files = Mapping[str, FileFacts]
"""By the path in the version, with / on every system."""


@dataclass(frozen=True)
class Manifest:
    """All files of a version but the manifest itself, and who pushed them when."""

    files: Files
    pushed: str
    """Time in UTC, ISO 8601."""
    who: str

    @property
    def digest(self) -> str:
        """Of all files together: two versions with one digest are the same model."""
        return digest_of(self.files)

    def to_json(self) -> str:
        """The text of the file."""
        files = {path: facts._asdict() for path, facts in sorted(self.files.items())}
        content = {"digest": self.digest, "pushed": self.pushed, "who": self.who, "files": files}
        return json.dumps(content, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """Reads `to_json`. Raises ValueError for any other text."""
        try:
            content: dict[str, Any] = json.loads(text)
            files = {path: FileFacts(facts["size"], facts["sha256"]) for path, facts in content["files"].items()}
            return cls(files, content["pushed"], content["who"])
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"no manifest: {error!r}") from error


def manifest_of(directory: Path) -> Manifest:
    """Describes a servable that is about to be pushed. Raises OSError where it cannot be read."""
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    return Manifest(files_of(directory), now, who())


def files_of(directory: Path) -> dict[str, FileFacts]:
    """Reads every file below a directory but its manifest. Raises OSError where one cannot be read."""
    return {path: _facts(directory / path) for path in _paths(directory) if path != MANIFEST}


def digest_of(files: Files) -> str:
    """SHA-256 of the sorted paths and hashes, as 64 hexadecimal digits."""
    lines = (f"{facts.sha256}  {path}\n" for path, facts in sorted(files.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def differences(expected: Files, found: Files) -> str | None:
    """What is wrong with the files that were found, for a person; None where nothing is."""
    wrong = [
        *(f"{path} is missing" for path in sorted(expected.keys() - found.keys())),
        *(f"{path} is not in its manifest" for path in sorted(found.keys() - expected.keys())),
        *(
            f"{path} has {found[path].size} bytes where {expected[path].size} are expected"
            if found[path].size != expected[path].size
            else f"{path} has other bytes than were written"
            for path in sorted(expected.keys() & found.keys())
            if found[path] != expected[path]
        ),
    ]
    more = f" and {len(wrong) - _NUM_SHOWN} more" if len(wrong) > _NUM_SHOWN else ""
    return f"{', '.join(wrong[:_NUM_SHOWN])}{more}" if wrong else None


def _paths(directory: Path) -> Iterator[str]:
    def stop(error: OSError) -> None:
        raise error

    for parent, _, names in os.walk(directory, onerror=stop, followlinks=True):
        for name in names:
            yield Path(parent, name).relative_to(directory).as_posix()


def _facts(file: Path) -> FileFacts:
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return FileFacts(size, digest.hexdigest())
