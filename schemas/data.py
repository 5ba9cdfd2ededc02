"""The types of the experiment file's section `data`, and their defaults."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from schemas.section import ExperimentPath, Section

Share = Annotated[float, Field(gt=0, lt=1)]


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
    last: Annotated[int, Field(ge=0)] | None = None
    """The newest span that is read, to look back: its number, or for dates the days since 1970-01-01. Default: the
    newest that is there."""


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

    @property
    def patterns(self) -> dict[str, str]:
        """The pattern of each split that has one, by the split's name."""
        stated = {"train": self.train, "eval": self.eval, "test": self.test}
        return {split: value for split, value in stated.items() if isinstance(value, str) and value != "auto"}

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
