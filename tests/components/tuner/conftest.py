"""Processes that train, started once for all tests, and a short training for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from components.image_example_gen.report import read_report
from components.training.request import TrainingRequest
from components.tuner.workers import Workers

if TYPE_CHECKING:
    from tests.components.conftest import Sample


@pytest.fixture(scope="session")
def workers() -> Iterator[Workers]:
    """Two processes; tests leave them idle."""
    with Workers(2) as workers:
        yield workers


@pytest.fixture(scope="session")
def short(prepared: Sample) -> TrainingRequest:
    """Two epochs over the sample, without dropout."""
    experiment = prepared.experiment
    examples = prepared.stages.path("ImageExampleGen", "examples")
    report = read_report(str(examples))
    labels = report.labels(None)
    return TrainingRequest(
        train_files=(str(examples / "Split-train" / "*"),),
        eval_files=(str(examples / "Split-eval" / "*"),),
        transform_directory=str(prepared.stages.path("Transform", "transform_graph")),
        num_train=report.num_examples["train"],
        num_eval=report.num_examples["eval"],
        labels=tuple(labels),
        class_counts=report.counts_of("train", len(labels)),
        preprocessing=experiment.resolved_preprocessing(),
        model=experiment.model.model_copy(update={"dropout": 0.0}),
        augmentation=experiment.augmentation,
        training=experiment.training.model_copy(update={"epochs": 2}),
    )
