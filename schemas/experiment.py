"""The experiment file as a whole. Every default of Darkroom is stated in the types of its sections, nowhere else."""

from __future__ import annotations

import hashlib
from typing import Annotated

from pydantic import Field

from schemas.augmentation import Augmentation
from schemas.backbones import BACKBONES
from schemas.canary import Canary
from schemas.data import Data
from schemas.evaluation import Evaluation
from schemas.export import Export
from schemas.gate import Gate, Schema
from schemas.kubeflow import Kubeflow
from schemas.model import Model, WeightsFrom
from schemas.notifications import Notifications
from schemas.preprocessing import Preprocessing
from schemas.push import Push
from schemas.retraining import Retraining
from schemas.retries import Retries
from schemas.section import ExperimentName, Section
from schemas.training import Training
from schemas.tuning import Tuning


class Beam(Section):
    """Where the data stages run."""

    args: tuple[str, ...] = ()
    """Options of the Beam pipelines, such as --runner=FlinkRunner. Default: in this process."""


class Experiment(Section):
    """One experiment: everything from the data to the push."""

    name: ExperimentName
    """Names the pipeline and its directory in the workspace: small letters, digits, - and _."""
    data: Data
    """The collection of images."""
    schema_: Annotated[Schema, Field(alias="schema")] = Schema()
    """What the data must look like."""
    gate: Gate = Gate()
    """What stops a run before any training."""
    preprocessing: Preprocessing = Preprocessing()
    """What happens to every image, in training and in serving."""
    augmentation: Augmentation = Augmentation()
    """How training images are varied. Evaluation and serving see them as they are."""
    model: Model = Model()
    """The network."""
    training: Training = Training()
    """How the network learns."""
    tuning: Tuning = Tuning()
    """What is searched for before the training."""
    export: Export = Export()
    """What travels with the exported model."""
    evaluation: Evaluation = Evaluation()
    """What a model must show before it is pushed."""
    canary: Canary = Canary()
    """What the exported model must do before it is pushed."""
    push: Push = Push()
    """Where models are published."""
    retraining: Retraining = Retraining()
    """When the scheduler runs the experiment, and how."""
    notifications: Notifications = Notifications()
    """Who is told how a run ended."""
    retries: Retries = Retries()
    """What is tried again."""
    beam: Beam = Beam()
    """Where the data stages run."""
    kubeflow: Kubeflow = Kubeflow()
    """What the pipeline's tasks get in a cluster."""

    @property
    def goes_on_from_itself(self) -> bool:
        """Whether the last blessed model of this very experiment gives the first weights."""
        weights = self.model.weights
        is_own = isinstance(weights, WeightsFrom) and weights.experiment == self.name
        return self.training.warm_start or is_own

    def resolved_preprocessing(self) -> Preprocessing:
        """The preprocessing with its normalisation stated: that which the backbone was made for, where it is auto."""
        stated = self.preprocessing.normalization
        normalization = BACKBONES[self.model.backbone].normalization if stated == "auto" else stated
        return self.preprocessing.model_copy(update={"normalization": normalization})

    def digest(self) -> str:
        """SHA-256 of the experiment with all its defaults, as 64 hexadecimal digits."""
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()
