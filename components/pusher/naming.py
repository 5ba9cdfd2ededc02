"""Names in a directory that a model server polls. It takes every number for a version, and nothing else."""

from __future__ import annotations

import re

STAGING = ".staging-"
"""A version that is being written, and beside it the lock that its pusher holds."""
LOCK_SUFFIX = ".lock"
REMOVED = ".removed-"
"""A version that is being deleted."""
ROLLED_BACK = ".rolled-back-"
"""A version that was live and is not to be any more."""
WRITING = ".writing-"
"""A file that takes another's place once it is whole."""
LOCK = ".lock"
HISTORY = ".history.jsonl"
GRAPH = "saved_model.pb"
FINGERPRINT = "fingerprint.pb"
MANIFEST = "assets.extra/manifest.json"

_LARGEST = 2**63 - 1


def version_of(name: str, prefix: str = "") -> int | None:
    """The version that a name stands for: a number as a model server reads it, after the prefix; None for others."""
    digits = name[len(prefix) :] if name.startswith(prefix) else ""
    if not re.fullmatch("0|[1-9][0-9]{0,18}", digits) or int(digits) > _LARGEST:
        return None
    return int(digits)
