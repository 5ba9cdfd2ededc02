"""What ingestion counted and refused: kept beside the examples, read by the gate and the Trainer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

REPORT_NAME = "ingestion.json"
MAX_LISTED = 1000
_NUM_SHOWN = 5


@dataclass(frozen=True)
class Refusal:
    """An example that cannot be used."""

    source: str
    """The file, relative to the source."""
    index: int
    """The record in it, counted from 0."""
    reason: str
    detail: str
    feature: str
    split: str


@dataclass
class IngestionReport:
    """Counts over some or all files of a source."""

    num_examples: Counter[str] = field(default_factory=Counter)
    """By split."""
    num_refused: Counter[str] = field(default_factory=Counter)
    """By reason."""
    refusals: list[Refusal] = field(default_factory=list)
    """The first of them, in the order of file and index."""
    label_texts: dict[int, str] = field(default_factory=dict)
    """What the data calls each class that it names."""
    max_label: int = -1
    conflicts: list[str] = field(default_factory=list)
    """Classes that the data gives two names."""

    def refuse(self, refusal: Refusal) -> None:
        """Counts a refusal, and lists it while there are few."""
        self.num_refused[refusal.reason] += 1
        if len(self.refusals) < MAX_LISTED:
            self.refusals.append(refusal)

    def name_label(self, label: int, text: str) -> None:
        """Remembers what the data calls a class."""
        known = self.label_texts.setdefault(label, text)
        if known != text and len(self.conflicts) < MAX_LISTED:
            self.conflicts.append(f"class {label} is called both {known!r} and {text!r}")

    def labels(self, declared: Sequence[str] | None) -> list[str]:
        """Names of all classes: as declared, else as the data calls them, else their numbers."""
        if declared is not None:
            return list(declared)
        return [self.label_texts.get(label, str(label)) for label in range(self.max_label + 1)]

    @classmethod
    def merge(cls, reports: Iterable[IngestionReport]) -> IngestionReport:
        """Adds up reports over different files."""
        total = cls()
        for report in reports:
            total.num_examples.update(report.num_examples)
            total.num_refused.update(report.num_refused)
            total.refusals.extend(report.refusals)
            total.max_label = max(total.max_label, report.max_label)
            total.conflicts.extend(report.conflicts)
            for label, text in report.label_texts.items():
                total.name_label(label, text)
        total.refusals = sorted(total.refusals, key=lambda refusal: (refusal.source, refusal.index))[:MAX_LISTED]
        return total

    def describe_refusals(self) -> str:
        """Counts by reason, and the first refused examples, a line each."""
        counts = ", ".join(f"{reason} {count}" for reason, count in sorted(self.num_refused.items()))
        lines = [f"unusable examples: {counts}"]
        for refusal in self.refusals[:_NUM_SHOWN]:
            place = f"{refusal.source}, record {refusal.index} (split {refusal.split})"
            lines.append(f"  {place}: {refusal.feature}: {refusal.reason}: {refusal.detail}")
        if (more := self.num_refused.total() - _NUM_SHOWN) > 0:
            lines.append(f"  and {more} more")
        return "\n".join(lines)

    def to_json(self) -> str:
        """JSON text that `from_json` reads."""
        # dataclasses.asdict rebuilds a Counter from its pairs, and so counts those.
        content = {**vars(self), "refusals": [asdict(refusal) for refusal in self.refusals]}
        return json.dumps(content, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> IngestionReport:
        """Reads what `to_json` wrote."""
        content: dict[str, Any] = json.loads(text)
        return cls(
            num_examples=Counter(content["num_examples"]),
            num_refused=Counter(content["num_refused"]),
            refusals=[Refusal(**refusal) for refusal in content["refusals"]],
            label_texts={int(label): text for label, text in content["label_texts"].items()},
            max_label=content["max_label"],
            conflicts=content["conflicts"],
        )
