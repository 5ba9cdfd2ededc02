"""The experiment file's types. Every default of Darkroom is stated here and nowhere else."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(gt=0, lt=1)]
Policy = Literal["fail", "warn", "off"]


# The format goes into the JSON Schema, where the loader finds which keys hold paths.
# A relative path starts at the file that states it.
ExperimentPath = Annotated[str, Field(min_length=1, json_schema_extra={"format": "path"})]


def _inside_the_source(pattern: str) -> str:
    if pattern.startswith(("/", "~")) or "://" in pattern or ".." in pattern.split("/"):
        raise ValueError(
            f"the pattern {pattern!r} leaves the source; write it relative to data.source and without '..',"
            " such as 'train-*'"
        )
    return pattern


FilePattern = Annotated[
    str, Field(min_length=1, json_schema_extra={"format": "pattern"}), AfterValidator(_inside_the_source)
]


class Section(BaseModel):
    """A part of an experiment: immutable, and closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)


class FeatureNames(Section):
    """Names of the `tf.Example` features in the source's TFRecords, where they are not the usual ones."""

    image: str = "image/encoded"
    """Bytes: an image file, raw uint8 pixels, or float32 pixels, as `data.encoding` says."""
    label: str = "image/class/label"
    """int64: the index of the class, counted from 0."""
    text: str = "image/class/text"
    """Bytes: the name of the class. May be absent."""
    filename: str = "image/filename"
    """Bytes: where the image came from. May be absent."""
    height: str = "image/height"
    """int64, in pixels. Needed by the encodings raw and float32."""
    width: str = "image/width"
    """int64, in pixels. Needed by the encodings raw and float32."""
    channels: str = "image/channels"
    """int64: 1, 3 or 4. Needed by the encodings raw and float32."""


class Columns(Section):
    """Names of a manifest's columns, where they are not the usual ones."""

    path: str = "path"
    """Where the image is, relative to the manifest's directory, or to `data.images`."""
    label: str = "label"
    """Name or number of the class."""
    split: str = "split"
    """train, eval or test, or one of their usual other names. The column may be absent, a value empty."""


class Spans(Section):
    """Which spans are read of a source with `{SPAN}`, or with `{YYYY}`, `{MM}` and `{DD}`, in its path."""

    window: Annotated[int, Field(ge=1)] = 1
    """How many of the newest spans, each in its newest version."""


class Splits(Section):
    """Where the examples of each split come from.

    A string is a pattern of files, relative to the source. A number is a share of the training
    files' examples, drawn by a hash of each image's bytes, so that the same image always falls in
    the same split. `auto` keeps the split that the data gives (a directory train, eval or test, a
    manifest's column); where it gives none, a share is drawn, and dealt out exactly, class by class,
    where a class would be missing otherwise.
    """

    train: FilePattern | None = None
    """Pattern of the training files. Default: every file that no other split's pattern takes."""
    eval: Literal["auto"] | Share | FilePattern = "auto"
    """Watched while training: early stopping, choice of the best weights. auto: 10 % of what is not for the test."""
    test: Literal["auto"] | Share | FilePattern = "auto"
    """Held out until the evaluation. auto: 20 % of fewer than 1,000 images, 10 % of fewer than 10,000 and of spans,
    else 5 %."""

    @model_validator(mode="after")
    def _leave_something_to_train_on(self) -> Splits:
        shares = sum(share for share in (self.eval, self.test) if isinstance(share, float))
        if shares >= 1:
            raise ValueError(
                f"eval and test together take {shares:g} of the examples and leave none for training;"
                " lower one of them, so that their sum is below 1"
            )
        return self


class Quarantine(Section):
    """What to do with examples that cannot be used."""

    max_fraction: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Largest share of unusable examples that the gate lets pass."""
    max_pixels: Annotated[int, Field(ge=1, lt=2**29)] = 100_000_000
    """Largest image, height times width (of all frames of a GIF). A larger one is refused before it is decoded."""


class Data(Section):
    """The collection of images."""

    dataset: Literal["digits", "fashion_mnist"] | None = None
    """An embedded data set, prepared on first use. Instead of `source`."""
    source: ExperimentPath | None = None
    """Directory of the images, or the file of a manifest; may hold `{SPAN}` and `{VERSION}`. Instead of `dataset`."""
    format: Literal["tfrecord", "image_folder", "manifest"] = "tfrecord"
    """TFRecord files, a directory per class, or a CSV or JSON Lines file that names images and their classes."""
    images: ExperimentPath | None = None
    """Directory that a manifest's paths start at. Default: the manifest's own."""
    columns: Columns = Columns()
    """A manifest's own names of its columns."""
    spans: Spans = Spans()
    """Which spans are read."""
    encoding: Literal["compressed", "raw", "float32"] = "compressed"
    """What the image feature of TFRecords holds: a file (JPEG, PNG, GIF, BMP), uint8 pixels, or pixels / 255."""
    features: FeatureNames = FeatureNames()
    """The TFRecords' own names of the features."""
    labels: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=2)] | None = None
    """Names of the classes, in the order of their index. Default: what the data says."""
    splits: Splits = Splits()
    """Where the examples of each split come from."""
    quarantine: Quarantine = Quarantine()
    """What to do with examples that cannot be used."""

    @model_validator(mode="after")
    def _one_origin(self) -> Data:
        if (self.dataset is None) == (self.source is None):
            raise ValueError(
                "give exactly one of 'source' (a directory, or a manifest) and 'dataset' (an embedded data set);"
                " null unsets one that is inherited"
            )
        return self

    @model_validator(mode="after")
    def _distinct_labels(self) -> Data:
        if self.labels is not None and len(set(self.labels)) != len(self.labels):
            repeated = sorted({label for label in self.labels if self.labels.count(label) > 1})
            raise ValueError(
                f"more than one of the labels is {' and '.join(map(repr, repeated))}; give every class its own name"
            )
        return self

    @model_validator(mode="after")
    def _fits_the_format(self) -> Data:
        if self.format == "tfrecord" and self.images is not None:
            raise ValueError("'images' belongs to the format 'manifest'; leave it out, or set format: manifest")
        if self.format == "image_folder" and self.images is not None:
            raise ValueError("'images' belongs to the format 'manifest'; an image_folder's images are in 'source'")
        if self.format != "tfrecord" and self.encoding != "compressed":
            raise ValueError(
                f"the encoding {self.encoding!r} belongs to TFRecords; the format {self.format!r} holds files, so leave"
                " encoding out"
            )
        if self.format != "tfrecord" and self.dataset is not None:
            raise ValueError(f"the embedded data sets are TFRecords; leave out format: {self.format}")
        return self


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
