"""Reads a serving directory as a model server does, as fast as it can, until its standard input ends.

python -m tests.soak.poller verify|load SERVING

Prints `ready` before its first look, and at the end what it saw, as one JSON object.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from components.pusher.manifest import Manifest, differences, files_of
from components.pusher.naming import MANIFEST


class Poller:
    """Looks at the highest version, over and over, and notes what was wrong with it."""

    def __init__(self, serving: Path, check: Callable[[Path], None]) -> None:
        self._serving = serving
        self._check = check
        self.num_looks = 0
        self.num_withdrawn = 0
        self.longest = 0.0
        self.seen: list[int] = []
        """The highest version whenever it changed."""
        self.failures: list[str] = []

    def look(self) -> None:
        """Checks the version that a model server would load now."""
        version = self._highest()
        if version is None:
            return
        if not self.seen or self.seen[-1] != version:
            self.seen.append(version)
        began = time.monotonic()
        try:
            self._check(self._serving / str(version))
        except Exception as error:
            # What a rollback takes away while it is read is no half version; a server looks again.
            if (self._serving / str(version)).exists():
                self.failures.append(f"{version}: {type(error).__name__}: {error}")
            else:
                self.num_withdrawn += 1
        self.longest = max(self.longest, time.monotonic() - began)
        self.num_looks += 1

    def to_json(self) -> dict[str, Any]:
        """What it saw."""
        return {
            "looks": self.num_looks,
            "versions": len(set(self.seen)),
            "withdrawn": self.num_withdrawn,
            "longest": round(self.longest, 3),
            "seen": self.seen,
            "failures": self.failures,
        }

    def _highest(self) -> int | None:
        return max((int(name) for name in os.listdir(self._serving) if name.isdecimal()), default=None)


def verify(version: Path) -> None:
    """Compares every file with the manifest. Raises ValueError or OSError where that does not hold."""
    manifest = Manifest.from_json((version / MANIFEST).read_bytes())
    if damage := differences(manifest.files, files_of(version)):
        raise ValueError(damage)


def load(version: Path) -> None:
    """Loads a version and calls it. Raises what TensorFlow raises, or ValueError for another result."""
    import tensorflow as tf

    model = tf.saved_model.load(str(version))
    result = model.signatures["serving_default"](x=tf.constant([2.0]))["y"].numpy().tolist()
    if result != [2.0]:
        raise ValueError(f"the model gave {result}")


def make_servable(directory: Path) -> None:
    """Writes a small SavedModel with a variable and an asset, such as `load` expects."""
    import tensorflow as tf

    class Sum(tf.Module):
        """Adds a weight, which is zero."""

        def __init__(self) -> None:
            super().__init__()
            self.weights = tf.Variable(tf.zeros([20_000]))
            asset = directory.with_name("labels.txt")
            asset.write_text("one\ntwo\n")
            self.labels = tf.saved_model.Asset(str(asset))

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def serve(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
            """The signature."""
            return {"y": x + tf.reduce_sum(self.weights)}

    module = Sum()
    tf.saved_model.save(module, str(directory), signatures={"serving_default": module.serve})


def main() -> None:
    """Polls until standard input ends."""
    check, serving = {"verify": verify, "load": load}[sys.argv[1]], Path(sys.argv[2])
    if check is load:
        make_servable(serving.with_name("servable"))
    poller = Poller(serving, check)
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        poller.look()
    print(json.dumps(poller.to_json()))


if __name__ == "__main__":
    main()
