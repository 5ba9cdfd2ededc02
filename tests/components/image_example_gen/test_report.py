from __future__ import annotations

from collections import Counter

import pytest

from components.image_example_gen.report import MAX_LISTED, IngestionReport, Refusal


def refusal(index: int, source: str = "a", reason: str = "undecodable") -> Refusal:
    return Refusal(source, index, reason, "the detail", "image/encoded", "train")


def filled() -> IngestionReport:
    report = IngestionReport(Counter(train=8, test=1), max_label=4)
    report.name_label(0, "cat")
    report.name_label(4, "chien à poil")
    report.name_label(4, "dog")
    report.refuse(refusal(3))
    report.refuse(refusal(5, reason="empty"))
    return report


def test_json_keeps_everything() -> None:
    """A report read back equals the one written, Counters and classes' numbers included."""
    report = filled()
    restored = IngestionReport.from_json(report.to_json())
    assert restored == report
    assert restored.num_refused.total() == 2
    assert IngestionReport.from_json(IngestionReport().to_json()) == IngestionReport()


def test_the_same_report_has_the_same_text() -> None:
    """The order in which things were counted leaves no trace in the JSON."""
    reports = [IngestionReport(), IngestionReport()]
    for report, splits in zip(reports, (("train", "eval"), ("eval", "train")), strict=True):
        for number, split in enumerate(splits):
            report.num_examples[split] += 1
            report.name_label(number if split == splits[0] else 1 - number, "x")
    assert reports[0].to_json() == reports[1].to_json()


def test_merging_adds_up() -> None:
    """Counts are added, the largest class kept, names united, refusals put in the order of file and record."""
    other = IngestionReport(Counter(train=2, eval=7), max_label=6)
    other.name_label(6, "emu")
    other.refuse(refusal(9, source="A"))
    merged = IngestionReport.merge([filled(), other, IngestionReport()])
    assert merged.num_examples == {"train": 10, "eval": 7, "test": 1}
    assert merged.num_refused == {"undecodable": 2, "empty": 1}
    assert [(item.source, item.index) for item in merged.refusals] == [("A", 9), ("a", 3), ("a", 5)]
    assert merged.label_texts == {0: "cat", 4: "chien à poil", 6: "emu"}
    assert merged.max_label == 6
    assert merged.conflicts == ["class 4 is called both 'chien à poil' and 'dog'"]
    assert IngestionReport.merge([]) == IngestionReport()


def test_merging_finds_classes_with_two_names() -> None:
    """Files that call one class by two names are in conflict, though each alone is not."""
    reports = [IngestionReport(), IngestionReport()]
    for report, name in zip(reports, ("cat", "tomcat"), strict=True):
        report.name_label(1, name)
        report.name_label(1, name)
    assert [report.conflicts for report in reports] == [[], []]
    assert IngestionReport.merge(reports).conflicts == ["class 1 is called both 'cat' and 'tomcat'"]


def test_refusals_are_counted_beyond_the_list() -> None:
    """However many refusals there are, all are counted and the first are listed."""
    reports = [IngestionReport(), IngestionReport()]
    for report, source in zip(reports, "ba", strict=True):
        for index in range(MAX_LISTED + 10):
            report.refuse(refusal(index, source))
        assert len(report.refusals) == MAX_LISTED
    merged = IngestionReport.merge(reports)
    assert merged.num_refused == {"undecodable": 2 * (MAX_LISTED + 10)}
    assert [item.source for item in merged.refusals] == ["a"] * MAX_LISTED


@pytest.mark.parametrize(
    ("declared", "labels"),
    [
        (None, ["cat", "1", "2", "3", "chien à poil"]),
        (("a", "b"), ["a", "b"]),
    ],
)
def test_classes_have_names(declared: tuple[str, ...] | None, labels: list[str]) -> None:
    """Classes are named as declared, else as the data calls them, else by their number."""
    assert filled().labels(declared) == labels


def test_without_examples_there_are_no_classes() -> None:
    """An empty report has no class, unless they are declared."""
    assert IngestionReport().labels(None) == []
    assert IngestionReport().labels(("a",)) == ["a"]


def test_refusals_are_described_by_count_and_place() -> None:
    """A line of counts by reason, then the first five with file, record, split, feature and reason, then how many."""
    report = filled()
    assert report.describe_refusals().splitlines() == [
        "unusable examples: empty 1, undecodable 1",
        "  a, record 3 (split train): image/encoded: undecodable: the detail",
        "  a, record 5 (split train): image/encoded: empty: the detail",
    ]
    for index in range(4):
        report.refuse(refusal(10 + index))
    lines = report.describe_refusals().splitlines()
    assert lines[0] == "unusable examples: empty 1, undecodable 5"
    assert len(lines) == 7
    assert lines[-1] == "  and 1 more"
