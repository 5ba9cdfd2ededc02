"""All that a training needs to know, as JSON, so that another process can carry it out."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.augmentation import Augmentation
from schemas.model import Model
from schemas.preprocessing import Preprocessing
from schemas.section import Section
from schemas.training import Training


class TrainingRequest(Section):
    """One training, over examples that the Transform stage has a graph for."""

    train_files: tuple[str, ...]
    """Patterns of the training split's TFRecord files."""
    eval_files: tuple[str, ...]
    """Patterns of the eval split's TFRecord files."""
    transform_directory: str
    """Output of the Transform stage."""
    num_train: Annotated[int, Field(ge=1)]
    """Examples of the training split."""
    num_eval: Annotated[int, Field(ge=1)]
    """Examples of the eval split."""
    labels: tuple[str, ...]
    """Names of the classes, by their number."""
    class_counts: tuple[int, ...] = ()
    """Training examples of each class; read where classes are weighed."""
    preprocessing: Preprocessing
    """Section of the experiment, its normalization stated."""
    model: Model
    """Section of the experiment."""
    augmentation: Augmentation
    """Section of the experiment."""
    training: Training
    """Section of the experiment."""
    initial_base: str | None = None
    """File of the base's first weights, where another experiment gives them; else `model.weights` says."""
    initial_network: str | None = None
    """The `.keras` file of a network that the training starts from."""
    checkpoint_directory: str | None = None
    """Where checkpoints are kept; None keeps none."""
    log_directory: str | None = None
    """For TensorBoard; None writes nothing."""
    native_directory: str | None = None
    """Where the trained network is saved in Keras's own formats; None saves nothing."""
    label: str = ""
    """Names the training in its lines of progress."""

    @property
    def num_classes(self) -> int:
        """Number of logits."""
        return len(self.labels)
