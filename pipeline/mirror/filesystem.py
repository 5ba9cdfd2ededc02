"""What TFX sees of a workspace that is a copy: every artifact, also one that is not fetched yet."""

from __future__ import annotations

import os

from tfx.dsl.io import filesystem_registry
from tfx.dsl.io.plugins.local import LocalFilesystem

from pipeline.artifacts import Artifacts

_BEFORE_ALL_OTHERS = 0


def let_tfx_fetch(artifacts: Artifacts) -> None:
    """Makes TFX, for the rest of this process, find what its cache asks for (tfx/types/artifact_utils.py).

    Args:
      artifacts: that are fetched.
    """

    class Copy(LocalFilesystem):
        @staticmethod
        def exists(path: str | bytes) -> bool:
            artifacts.fetch(os.fsdecode(path))
            return os.path.exists(path)

    filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(Copy, priority=_BEFORE_ALL_OTHERS)
