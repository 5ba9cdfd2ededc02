"""Experiments over a few digits, run by the command line in workspaces of their own."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import tensorflow as tf

from tests.command_line import Outcome, in_process

EXPERIMENT = """
extends: digits
name: small
data: {dataset: null, source: source, quarantine: {max_fraction: 0.0}}
training: {epochs: 1}
evaluation: {thresholds: {accuracy: {min: 0.0}, cross_entropy: {max: 100.0}}}
"""
BROKEN = 7


class Project(NamedTuple):
    """An experiment over TFRecords of its own, and its workspace."""

    directory: Path

    @property
    def root(self) -> Path:
        """Where the experiment's results are."""
        return self.directory / "workspace" / "small"

    def run(self, *overrides: str, accept: str | None = None, force: str | None = None) -> Outcome:
        """`local_runner.py run`, as JSON, where reasons are given with --accept-data and --force-bless."""
        options = [argument for override in overrides for argument in ("--set", override)]
        if accept is not None:
            options += ["--accept-data", accept]
        if force is not None:
            options += ["--force-bless", force]
        return self.command("run", *options, "--json")

    def command(self, name: str, *options: str) -> Outcome:
        """Another command over the experiment and its workspace."""
        workspace = ("--workspace", str(self.directory / "workspace"))
        return in_process(name, str(self.directory / "small.yaml"), *workspace, *options)

    def versions(self) -> list[str]:
        """What was pushed and is still there."""
        serving = self.root / "serving"
        return sorted(path.name for path in serving.glob("[0-9]*"))


def make_project(directory: Path, records: list[bytes]) -> Project:
    """Writes an experiment that allows for no unusable example, and its source of one file."""
    (directory / "source").mkdir(parents=True)
    (directory / "small.yaml").write_text(EXPERIMENT)
    write_records(directory / "source" / "digits.tfrecord", records)
    return Project(directory)


def write_records(path: Path, records: list[bytes]) -> None:
    """Writes a TFRecord file, in the place of an older one."""
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)


def changed(record: bytes, name: str, value: bytes | int) -> bytes:
    """A serialized example with another value of one feature."""
    example = tf.train.Example.FromString(record)
    feature = example.features.feature[name]
    if isinstance(value, bytes):
        feature.bytes_list.value[:] = [value]
    else:
        feature.int64_list.value[:] = [value]
    return bytes(example.SerializeToString())


def inverted(record: bytes) -> bytes:
    """A serialized example whose image is as bright as it was dark."""
    example = tf.train.Example.FromString(record)
    pixels = tf.io.decode_image(example.features.feature["image/encoded"].bytes_list.value[0])
    return changed(record, "image/encoded", tf.io.encode_png(255 - pixels).numpy())


def with_broken(records: list[bytes], name: str, value: bytes | int) -> list[bytes]:
    """The records with another value of one feature in the one numbered `BROKEN`."""
    return [*records[:BROKEN], changed(records[BROKEN], name, value), *records[BROKEN + 1 :]]
