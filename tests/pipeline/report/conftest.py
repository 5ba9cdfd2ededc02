"""Runs whose reports are looked at, over labels that are meant to break a page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import tensorflow as tf
from playwright.sync_api import Browser, sync_playwright

from tests.command_line import Outcome
from tests.pipeline.projects import Project, changed, inverted, make_project, write_records
from tests.pipeline.report.materials import HOSTILE
from tests.programs import do_without

LABELS = [
    *HOSTILE,
    "a label so long that nobody reads it to its end, for it goes on and on",
    "6 \u202e6",
    "ünïcödé",
    "8",
    "9",
]
EXPERIMENT = """
extends: digits
name: small
data: {dataset: null, source: source, quarantine: {max_fraction: 0.02}, labels: LABELS}
schema: {file: null}
augmentation: {rotation: 10, brightness: 0.1}
training: {epochs: 2}
evaluation: {thresholds: {accuracy: {min: 0.0}, cross_entropy: {max: 100.0}}}
"""


class Reported(NamedTuple):
    """Runs in one workspace: pushed; refused by the Evaluator; stopped by the gate, over inverted images."""

    project: Project
    pushed: Outcome
    refused: Outcome
    stopped: Outcome

    def report(self, outcome: Outcome) -> Path:
        """The report of one of them."""
        return Path(outcome.json["report"])


@pytest.fixture(scope="session")
def reported(records: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """Three of 450 images are of no class and one cannot be decoded; the runs follow each other."""
    unnamed = [_without_text(record) for record in records]
    unnamed[7] = changed(unnamed[7], "image/encoded", b"\x89PNG\r\n\x1a\nand no more")
    for place in (8, 9, 30):
        unnamed[place] = changed(unnamed[place], "image/class/label", 17)
    project = make_project(tmp_path_factory.mktemp("reported"), unnamed)
    labels = "[" + ", ".join(f"'{label}'" for label in LABELS) + "]"
    (project.directory / "small.yaml").write_text(EXPERIMENT.replace("LABELS", labels), encoding="utf-8")
    pushed = project.run()
    assert pushed.exit_status == 0, pushed.errors + pushed.output
    refused = project.run("evaluation.thresholds={cross_entropy: {max: 0.0}}")
    turned = [record if place in (7, 8, 9, 30) else inverted(record) for place, record in enumerate(unnamed)]
    write_records(project.directory / "source" / "digits.tfrecord", turned)
    stopped = project.run("gate.drift=fail")
    return Reported(project, pushed, refused, stopped)


def _without_text(record: bytes) -> bytes:
    example = tf.train.Example.FromString(record)
    del example.features.feature["image/class/text"]
    return bytes(example.SerializeToString())


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium, the system's own."""
    path = shutil.which("chromium")
    if path is None:
        do_without("no chromium on the path")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()
