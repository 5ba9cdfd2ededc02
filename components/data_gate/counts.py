"""Checks of what ingestion counted: unusable examples, classes, copies."""

from __future__ import annotations

from collections.abc import Sequence

from components.data_gate.verdict import Finding
from components.image_example_gen.report import Copy, IngestionReport
from components.image_example_gen.splitting import SPLITS, TRAIN
from schemas import features
from schemas.gate import Gate

_NUM_SHOWN = 5


def check_quarantine(report: IngestionReport, limit: float, gate: Gate) -> list[Finding]:
    """Whether too many examples cannot be used; a warning where there are any.

    Args:
      report: of the ingestion.
      limit: the experiment's `data.quarantine.max_fraction`.
      gate: the experiment's section.
    """
    refused = report.num_refused.total() + report.num_lost
    if gate.quarantine == "off" or not refused:
        return []
    num_examples = refused + report.num_examples.total()
    message = (
        f"{refused} of {num_examples} examples cannot be used, a fraction of {report.refused_fraction:.4g};"
        f" the limit is data.quarantine.max_fraction = {limit:g}\n{report.describe_refusals()}"
    )
    return [Finding("quarantine", gate.quarantine == "fail" and report.refused_fraction > limit, message)]


def check_labels(report: IngestionReport, declared: Sequence[str] | None, is_bounded: bool) -> list[Finding]:
    """Where the network has no output for a class, or another name than the data.

    With `data.labels` ingestion refuses an example whose class is none of them.

    Args:
      report: of the ingestion.
      declared: the experiment's `data.labels`.
      is_bounded: whether the anomalies tell of labels that are no class.
    """
    named = declared or ()
    wrong = [
        f"class {label} is called {text!r} in the data and {named[label]!r} in data.labels"
        for label, text in sorted(report.label_texts.items())
        if 0 <= label < len(named) and text != named[label]
    ]
    lowest = min((label for counts in report.class_counts.values() for label in counts), default=0)
    if lowest < 0 and not is_bounded:
        wrong.append(f"the data has the class {lowest}; classes are counted from 0")
    return [Finding("labels", True, f"{features.LABEL}: {'; '.join(wrong)}", feature=features.LABEL)] if wrong else []


def check_classes(report: IngestionReport, labels: Sequence[str], gate: Gate) -> list[Finding]:
    """Whether every class has enough training examples, and none far more than another.

    Args:
      report: of the ingestion.
      labels: names of all classes.
      gate: the experiment's section.
    """
    counted = report.class_counts.get(TRAIN, {})
    counts = {label: counted.get(label, 0) for label in range(len(labels))}
    findings = []
    few = {label: count for label, count in counts.items() if count < gate.min_per_class}
    if gate.too_few != "off" and few:
        message = f"training examples of {_listed(few, labels)}; the limit is gate.min_per_class = {gate.min_per_class}"
        findings.append(Finding("too_few", gate.too_few == "fail", message, TRAIN, features.LABEL))
    present = {label: count for label, count in counts.items() if count}
    if len(present) == 1:
        message = f"all training examples are of one class, {labels[next(iter(present))]!r}; a classifier needs two"
        findings.append(Finding("classes", True, message, TRAIN, features.LABEL))
    if gate.imbalance != "off" and present:
        most, rarest = max(present, key=present.__getitem__), min(present, key=present.__getitem__)
        ratio = present[most] / present[rarest]
        if ratio > gate.max_imbalance:
            message = (
                f"{labels[most]!r} has {present[most]} training examples, {labels[rarest]!r} has {present[rarest]},"
                f" {ratio:.4g} times fewer; the limit is gate.max_imbalance = {gate.max_imbalance:g}"
            )
            findings.append(Finding("imbalance", gate.imbalance == "fail", message, TRAIN, features.LABEL))
    return findings


def _listed(counts: dict[int, int], labels: Sequence[str]) -> str:
    shown = [f"class {label} ({labels[label]}): {count}" for label, count in sorted(counts.items())[:_NUM_SHOWN]]
    more = len(counts) - _NUM_SHOWN
    return ", ".join(shown) + (f" and {_number(more, 'more class', 'more classes')}" if more > 0 else "")


def check_copies(report: IngestionReport, gate: Gate) -> list[Finding]:
    """Whether many examples hold one image, and whether one is in two splits, or has two labels."""
    copies = report.copies
    findings = []
    num_examples, num_repeats = report.num_examples.total(), copies.num_examples - copies.num_images
    if gate.duplicates != "off" and num_repeats > gate.max_duplicates * num_examples:
        message = (
            f"{num_repeats} of {num_examples} examples repeat an image, a fraction of {num_repeats / num_examples:.4g};"
            f" the limit is gate.max_duplicates = {gate.max_duplicates:g}"
        )
        findings.append(Finding("duplicates", gate.duplicates == "fail", message + _pairs(copies.repeated)))
    if gate.leakage != "off" and copies.num_leaking:
        are = _number(copies.num_leaking, "image is", "images are")
        message = f"{are} in more than one of the splits {', '.join(SPLITS)}; the limit is 0"
        findings.append(Finding("leakage", gate.leakage == "fail", message + _pairs(copies.leaking)))
    if gate.conflicts != "off" and copies.num_conflicting:
        occur = _number(copies.num_conflicting, "image occurs", "images occur")
        message = f"{occur} with more than one label; the limit is 0"
        fails = gate.conflicts == "fail"
        findings.append(Finding("conflicts", fails, message + _pairs(copies.conflicting), feature=features.LABEL))
    return findings


def _number(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _pairs(groups: Sequence[Sequence[Copy]]) -> str:
    return "".join(f"\n  {' = '.join(map(str, group))}" for group in groups[:_NUM_SHOWN])
