"""A training over the sample's stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components.training.request import TrainingRequest
from tests.components.images import read_examples

if TYPE_CHECKING:
    from tests.components.conftest import Sample


def request_over(sample: Sample, model: dict[str, Any] | None = None, **values: Any) -> TrainingRequest:
    """What the Trainer stage would ask for, with changes to its training, or to the request where it has such a key."""
    examples = sample.stages.path("ImageExampleGen", "examples")
    experiment = sample.experiment
    places = {name: values.pop(name) for name in list(values) if name in TrainingRequest.model_fields}
    return TrainingRequest.model_validate(
        {
            "train_files": [str(examples / "Split-train" / "*")],
            "eval_files": [str(examples / "Split-eval" / "*")],
            "transform_directory": str(sample.stages.path("Transform", "transform_graph")),
            "num_train": len(read_examples(examples / "Split-train")),
            "num_eval": len(read_examples(examples / "Split-eval")),
            "labels": ["dark", "medium", "bright"],
            "preprocessing": experiment.resolved_preprocessing().model_dump(),
            "model": {**experiment.model.model_dump(), **(model or {})},
            "augmentation": {},
            "training": {**experiment.training.model_dump(), **values},
            **places,
        }
    )
