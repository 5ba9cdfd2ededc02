"""What ingestion counted and refused: kept beside the examples, read by the gate and the Trainer."""

from __future__ import annotations

import json
import math
import posixpath
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tfx.dsl.io import fileio

from components.errors import DataError
from components.image_example_gen.items import Refused
from components.lineage import INGESTION_REPORT

REPORT_NAME = INGESTION_REPORT
MAX_LISTED = 1000
_NUM_SHOWN = 5
# Where most examples are refused for one reason, the experiment is more likely wrong than the data.
_HINTS = {
    "unsupported_format": "if these are TFRecords of pixels, state data.encoding: raw or float32",
    "wrong_shape": "see that data.encoding is what the pixels are stored as",
    "not_a_tfrecord": "if these are image files, state data.format: image_folder or manifest",
    "not_an_example": "see that the files hold tf.train.Examples",
    "unknown_label": "see that data.labels names the classes as the data does, or leave it out",
    "missing_label": "state where the label is, by data.features.label or data.columns.label",
    "missing_image": "state where the image is, by data.features.image, data.columns.path or data.images",
}


@dataclass(frozen=True)
class Refusal:
    """An example that cannot be used."""

    source: str
    """The file, relative to the source."""
    index: int
    """The record or row in it, counted from 0."""
    reason: str
    detail: str
    feature: str

    @classmethod
    def of(cls, refused: Refused) -> Refusal:
        """What people are told of it."""
        return cls(refused.source, refused.index, refused.reason, refused.detail, refused.feature)

    def __str__(self) -> str:
        return f"{self.source}, record {self.index}: {self.feature}: {self.reason}: {self.detail}"


@dataclass(frozen=True)
class Copy:
    """One of several examples with the same image."""

    source: str
    index: int
    split: str
    label: int

    def __str__(self) -> str:
        return f"{self.source}, record {self.index} (split {self.split}, class {self.label})"


@dataclass
class Copies:
    """Examples whose images are the same, byte for byte."""

    num_images: int = 0
    """Images that occur more than once."""
    num_examples: int = 0
    """Examples that hold one of them."""
    num_conflicting: int = 0
    """Images that occur with more than one label."""
    num_leaking: int = 0
    """Images that occur in more than one split."""
    repeated: list[list[Copy]] = field(default_factory=list)
    """The first images that occur more than once."""
    conflicting: list[list[Copy]] = field(default_factory=list)
    """The first of them."""
    leaking: list[list[Copy]] = field(default_factory=list)
    """The first of them."""


@dataclass
class IngestionReport:
    """Counts over some or all units of a source."""

    num_examples: Counter[str] = field(default_factory=Counter)
    """By split."""
    class_counts: dict[str, dict[int, int]] = field(default_factory=dict)
    """By split and label."""
    num_refused: Counter[str] = field(default_factory=Counter)
    """By reason."""
    refusals: list[Refusal] = field(default_factory=list)
    """The first of them, in the order of file and index."""
    num_kept: int = 0
    kept_bytes: int = 0
    """Of the records that could be read, as the file holds them; none of image files."""
    lost_bytes: int = 0
    """Of files behind a place where they are damaged."""
    num_cut_off: int = 0
    """Such places."""
    label_texts: dict[int, str] = field(default_factory=dict)
    """What the data calls each class that it names."""
    conflicts: list[str] = field(default_factory=list)
    """Classes that the data gives two names."""
    copies: Copies = field(default_factory=Copies)
    shares: dict[str, float] = field(default_factory=dict)
    """What was drawn of the training files, by split."""
    span: int | None = None
    """The newest that was read."""
    is_stratified: bool = False
    """Whether the shares were dealt out exactly, class by class."""
    quarantine: str | None = None
    """Where the refused examples are, without the ending of the two files."""

    @property
    def max_label(self) -> int:
        """The largest label; -1 where there are no examples."""
        return max((label for counts in self.class_counts.values() for label in counts), default=-1)

    @property
    def num_lost(self) -> int:
        """About how many records the lost parts of damaged files held, beyond those counted as refused."""
        if not self.lost_bytes or not self.kept_bytes:
            return 0
        return max(0, math.ceil(self.lost_bytes * self.num_kept / self.kept_bytes) - self.num_cut_off)

    @property
    def refused_fraction(self) -> float:
        """Share of the source's examples that cannot be used, the lost ones included."""
        unusable = self.num_refused.total() + self.num_lost
        return unusable / (unusable + self.num_examples.total()) if unusable else 0.0

    def keep(self, num_bytes: int) -> None:
        """Counts an example that can be used."""
        self.num_kept += 1
        self.kept_bytes += num_bytes

    def refuse(self, refused: Refused) -> None:
        """Counts a refusal, and lists it while there are few."""
        self.num_refused[refused.reason] += 1
        self.lost_bytes += refused.lost_bytes
        self.num_cut_off += refused.lost_bytes > 0
        if len(self.refusals) < MAX_LISTED:
            self.refusals.append(Refusal.of(refused))

    def name_label(self, label: int, text: str) -> None:
        """Remembers what the data calls a class."""
        known = self.label_texts.setdefault(label, text)
        if known != text and len(self.conflicts) < MAX_LISTED:
            self.conflicts.append(f"class {label} is called both {known!r} and {text!r}")

    def labels(self, declared: Sequence[str] | None) -> list[str]:
        """Names of all classes: as declared, else as the data calls them, else their numbers."""
        if declared is not None:
            return list(declared)
        last = max(self.max_label, *self.label_texts) if self.label_texts else self.max_label
        return [self.label_texts.get(label, str(label)) for label in range(last + 1)]

    def counts_of(self, split: str, num_classes: int) -> tuple[int, ...]:
        """Examples of each class in one split."""
        counts = self.class_counts.get(split, {})
        return tuple(counts.get(label, 0) for label in range(num_classes))

    @classmethod
    def merge(cls, reports: Iterable[IngestionReport]) -> IngestionReport:
        """Adds up reports over different units."""
        total = cls()
        for report in reports:
            total.num_refused.update(report.num_refused)
            total.refusals.extend(report.refusals)
            total.num_kept += report.num_kept
            total.kept_bytes += report.kept_bytes
            total.lost_bytes += report.lost_bytes
            total.num_cut_off += report.num_cut_off
            total.conflicts.extend(report.conflicts)
            for label, text in report.label_texts.items():
                total.name_label(label, text)
        total.refusals = sorted(total.refusals, key=lambda refusal: (refusal.source, refusal.index))[:MAX_LISTED]
        return total

    def describe_refusals(self) -> str:
        """Counts by reason, and the first refused examples, a line each."""
        counts = ", ".join(f"{reason} {count}" for reason, count in sorted(self.num_refused.items()))
        lost = (
            f"; about {self.num_lost} more are lost in {self.lost_bytes} bytes behind damage" if self.num_lost else ""
        )
        lines = [f"unusable examples: {counts}{lost}", *(f"  {refusal}" for refusal in self.refusals[:_NUM_SHOWN])]
        if (more := self.num_refused.total() - _NUM_SHOWN) > 0:
            lines.append(f"  and {more} more")
        for reason, count in self.num_refused.most_common(1):
            if reason in _HINTS and 2 * count > self.num_refused.total() + self.num_examples.total():
                lines.append(f"most are {reason}: {_HINTS[reason]}")
        if self.quarantine:
            lines.append(f"all of them: {self.quarantine}.jsonl, the originals in {self.quarantine}.tfrecord")
        return "\n".join(lines)

    def to_json(self) -> str:
        """JSON text that `from_json` reads."""
        # dataclasses.asdict rebuilds a Counter from its pairs, and so counts those.
        content = {
            **vars(self),
            "refusals": [asdict(refusal) for refusal in self.refusals],
            "copies": asdict(self.copies),
        }
        return json.dumps(content, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> IngestionReport:
        """Reads what `to_json` wrote."""
        content: dict[str, Any] = json.loads(text)
        copies = content.pop("copies")
        for listed in ("repeated", "conflicting", "leaking"):
            copies[listed] = [[Copy(**copy) for copy in group] for group in copies[listed]]
        counted = {split: _by_label(counts) for split, counts in content.pop("class_counts").items()}
        return cls(
            num_examples=Counter(content.pop("num_examples")),
            class_counts=counted,
            num_refused=Counter(content.pop("num_refused")),
            refusals=[Refusal(**refusal) for refusal in content.pop("refusals")],
            label_texts=_by_label(content.pop("label_texts")),
            copies=Copies(**copies),
            **content,
        )


def read_report(examples_uri: str) -> IngestionReport:
    """The report that lies beside examples.

    Raises:
      DataError: there is none.
    """
    path = posixpath.join(examples_uri, REPORT_NAME)
    if not fileio.exists(path):
        raise DataError(f"{path} is missing: the examples were not made by ImageExampleGen")
    with fileio.open(path) as file:
        return IngestionReport.from_json(file.read())


def _by_label(values: dict[str, Any]) -> dict[int, Any]:
    return {int(label): value for label, value in values.items()}
