"""The experiment file's types. Every default of Darkroom is stated here and in `schemas/data.py`, nowhere else."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.data import Data
from schemas.section import ExperimentPath, Section

Policy = Literal["fail", "warn", "off"]


class Schema(Section):
    """What the data must look like."""

    file: ExperimentPath | None = None
    """A TFDV schema (`.pbtxt`), or the name of one in `schemas/`. Default: inferred from the training split."""


class Gate(Section):
    """What stops a run before any training: each check fails the run, warns, or is off."""

    anomalies: Policy = "fail"
    """Deviations of the statistics from the schema."""
    quarantine: Policy = "fail"
    """More unusable examples than `data.quarantine.max_fraction`."""
    too_few: Policy = "fail"
    """A class with fewer examples in the training split than `min_per_class`."""
    min_per_class: Annotated[int, Field(ge=1)] = 1
    """Fewest examples of each class to train on."""
    imbalance: Policy = "warn"
    """A class with `max_imbalance` times as many training examples as another."""
    max_imbalance: Annotated[float, Field(ge=1)] = 50.0
    """Largest ratio of the most frequent class to the rarest."""
    duplicates: Policy = "warn"
    """More than `max_duplicates` of the examples repeat the image of another."""
    max_duplicates: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Largest share of examples whose image occurs before."""
    leakage: Policy = "warn"
    """The same image in two splits."""
    conflicts: Policy = "warn"
    """The same image with two labels."""
    drift: Policy = "warn"
    """Distance of a fact's distribution from that of the last other data that passed the gate."""
    max_drift: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Largest Jensen-Shannon divergence, 0 to 1, where the schema states no drift_comparator of its own."""
    skew: Policy = "warn"
    """Distance of a fact's distribution while training from that while serving."""
    max_skew: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Largest Jensen-Shannon divergence, 0 to 1, where the schema states no skew_comparator of its own."""
    serving_statistics: ExperimentPath | None = None
    """TFDV statistics of the images that were served (binary or text protobuf, or TFRecord). Without: no skew check."""


class Preprocessing(Section):
    """What happens to every image, in training and in serving, inside the graph."""

    height: Annotated[int, Field(ge=1, le=4096)] = 224
    """Height of the model's input, in pixels."""
    width: Annotated[int, Field(ge=1, le=4096)] = 224
    """Width of the model's input, in pixels."""
    channels: Literal[1, 3] = 3
    """Grayscale or RGB."""
    fit: Literal["stretch", "pad"] = "stretch"
    """How an image of another shape meets height and width: stretched, or scaled and padded with zeros."""
    interpolation: Literal["nearest", "bilinear", "bicubic", "area"] = "bilinear"
    """Method of resizing."""
    antialias: bool = True
    """Low-pass filter before an image is made smaller (bilinear and bicubic)."""
    normalization: Literal["none", "rescale", "standardize"] = "rescale"
    """none: 0 to 255. rescale: 0 to 1. standardize: mean 0, deviation 1 per channel over the training split."""


class Model(Section):
    """The network."""

    backbone: Literal["small_cnn"] = "small_cnn"
    """What turns an image into features."""
    activation: Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh"] = "relu"
    """Activation of the hidden layers. It decides the initialiser: He for the ReLU family, Glorot for tanh."""
    filters: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (32, 64)
    """Filters of each convolution block of small_cnn; each block halves height and width."""
    padding: Literal["same", "valid"] = "same"
    """Border of small_cnn's convolutions: same keeps height and width, valid gives up one pixel on each side."""
    dense: tuple[Annotated[int, Field(ge=1)], ...] = (128,)
    """Units of the dense layers between the features and the classes."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.25
    """Share of activations dropped before each dense layer while training."""


class EarlyStopping(Section):
    """Ends a training that no longer improves, and restores its best weights."""

    monitor: Literal["val_loss", "val_accuracy"] = "val_loss"
    """Figure of the eval split that must improve."""
    patience: Annotated[int, Field(ge=1)] = 5
    """Epochs without improvement before the training ends."""
    min_delta: Annotated[float, Field(ge=0)] = 0.0
    """Smallest change that counts as an improvement."""


class Training(Section):
    """How the network learns."""

    epochs: Annotated[int, Field(ge=1)] = 20
    """Passes over the training split, at most."""
    steps_per_epoch: Annotated[int, Field(ge=1)] | None = None
    """Batches per epoch. Default: the whole training split once."""
    batch_size: Annotated[int, Field(ge=1)] = 128
    """Images per step, over all replicas together."""
    optimizer: Literal["adam", "sgd", "rmsprop"] = "adam"
    """Method of optimisation."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.001
    """Step size of the optimiser."""
    feeder: Literal["auto", "memory", "disk"] = "auto"
    """memory keeps the transformed images, disk reads them anew each epoch; auto keeps up to 1 GiB."""
    shuffle_buffer: Annotated[int, Field(ge=1)] = 10_000
    """Encoded examples held in memory to draw from, where the feeder reads from disk."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Seed of initialisation, shuffling and dropout."""
    early_stopping: EarlyStopping | None = EarlyStopping()
    """null switches it off."""


class Threshold(Section):
    """Limits of one metric. A model outside of any is not blessed."""

    min: float | None = None
    """The value must be at least this."""
    max: float | None = None
    """The value must be at most this."""
    max_drop: Annotated[float, Field(ge=0)] | None = None
    """Against the last blessed model, the value may fall by at most this."""
    max_rise: Annotated[float, Field(ge=0)] | None = None
    """Against the last blessed model, the value may rise by at most this."""

    @model_validator(mode="after")
    def _limits_something(self) -> Threshold:
        if self.min is None and self.max is None:
            raise ValueError(
                "give 'min' or 'max': without a limit of the value itself a first model would never be blessed"
            )
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: no value could meet both")
        if self.max_drop is not None and self.max_rise is not None:
            raise ValueError("give only one of 'max_drop' (higher is better) and 'max_rise' (lower is better)")
        return self


class Evaluation(Section):
    """What a model must show before it is pushed."""

    split: Literal["eval", "test"] = "test"
    """Split that the metrics are computed on."""
    thresholds: Annotated[dict[Literal["accuracy", "cross_entropy"], Threshold], Field(min_length=1)] = {
        "accuracy": Threshold(min=0.5, max_drop=0.01)
    }
    """Limits by metric."""


class Beam(Section):
    """Where the data stages run."""

    args: tuple[str, ...] = ()
    """Options of the Beam pipelines, such as --runner=FlinkRunner. Default: in this process."""


class Experiment(Section):
    """One experiment: everything from the data to the push."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
    """Names the pipeline and its directory in the workspace: small letters, digits, - and _."""
    data: Data
    """The collection of images."""
    schema_: Annotated[Schema, Field(alias="schema")] = Schema()
    """What the data must look like."""
    gate: Gate = Gate()
    """What stops a run before any training."""
    preprocessing: Preprocessing = Preprocessing()
    """What happens to every image, in training and in serving."""
    model: Model = Model()
    """The network."""
    training: Training = Training()
    """How the network learns."""
    evaluation: Evaluation = Evaluation()
    """What a model must show before it is pushed."""
    beam: Beam = Beam()
    """Where the data stages run."""

    def digest(self) -> str:
        """SHA-256 of the experiment with all its defaults, as 64 hexadecimal digits."""
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()
