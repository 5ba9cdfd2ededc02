"""The section `model`: the network."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from schemas.backbones import BACKBONES
from schemas.problems import suggestion
from schemas.section import ExperimentName, ExperimentPath, Section


def _known(name: str) -> str:
    if name not in BACKBONES:
        raise ValueError(f"unknown backbone {name!r}{suggestion(name, BACKBONES)}")
    return name


BackboneName = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(BACKBONES)})]


class WeightsFrom(Section):
    """Weights that an earlier training has left."""

    file: ExperimentPath | None = None
    """A `.weights.h5` of the base alone, or the `.keras` file of a whole network, of which the base is taken."""
    experiment: ExperimentName | None = None
    """Name of an experiment in this workspace: its last blessed model, of which the base is taken."""

    @model_validator(mode="after")
    def _names_one(self) -> WeightsFrom:
        if (self.file is None) == (self.experiment is None):
            raise ValueError("give one of 'file' and 'experiment'")
        return self


class Model(Section):
    """The network."""

    backbone: BackboneName = "small_cnn"
    """What turns an image into features: the base of the network."""
    weights: Literal["random", "imagenet"] | WeightsFrom = "random"
    """Weights that the base starts from. imagenet are downloaded by Keras, for the backbones of keras.applications."""
    activation: Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh"] = "relu"
    """Activation of the hidden layers of the head, small_cnn and small_resnet. It decides the initialiser: He for the
    ReLU family, Glorot for tanh."""
    filters: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (32, 64)
    """Filters of each block of small_cnn, which halves height and width, or of each stage of small_resnet, of which all
    but the first do."""
    padding: Literal["same", "valid"] = "same"
    """Border of small_cnn's convolutions: same keeps height and width, valid gives up one pixel on each side."""
    depth: Annotated[int, Field(ge=1, le=16)] = 1
    """Convolutions of each block of small_cnn, or residual blocks of each stage of small_resnet."""
    batch_normalization: bool = False
    """Normalises after each convolution of small_cnn; small_resnet always does."""
    pooling: Literal["auto", "average", "max", "flatten"] = "auto"
    """How the base's map of features becomes a vector. auto: flatten for small_cnn, average for all others."""
    dense: tuple[Annotated[int, Field(ge=1)], ...] = (128,)
    """Units of the dense layers between the features and the classes."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.25
    """Share of activations dropped before each dense layer while training."""
    l2: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the L2 penalty on the kernels of the head, small_cnn and small_resnet."""
