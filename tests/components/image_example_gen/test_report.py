from __future__ import annotations

import os
from collections import Counter

import pytest

from components.image_example_gen.items import Refused
from components.image_example_gen.report import MAX_LISTED, Copies, Copy, IngestionReport, Refusal


def refused(index: int, source: str = "a", reason: str = "undecodable", lost_bytes: int = 0) -> Refused:
    return Refused(source, index, reason, "the detail", "image/encoded", b"the original", lost_bytes)


def filled() -> IngestionReport:
    """What one unit counts."""
    report = IngestionReport()
    for _ in range(4):
        report.keep(100)
    report.name_label(0, "cat")
    report.name_label(4, "chien à poil")
    report.name_label(4, "dog")
    report.refuse(refused(3))
    report.refuse(refused(5, reason="empty"))
    return report


def test_json_keeps_everything() -> None:
    """A report read back equals the one written, Counters, copies and classes' numbers included."""
    report = filled()
    report.num_examples = Counter(train=3, test=1)
    report.class_counts = {"train": {0: 2, 4: 1}, "eval": {}, "test": {4: 1}}
    copy = Copy("a", 1, "train", 0)
    report.copies = Copies(1, 2, 1, 1, [[copy, Copy("a", 2, "test", 1)]], [[copy]])
    report.shares, report.is_stratified, report.quarantine = {"train": 1.0}, True, "/kept/name"
    report.refuse(refused(9, source=os.fsdecode(b"caf\xe9"), lost_bytes=50))
    restored = IngestionReport.from_json(report.to_json())
    assert restored == report
    assert restored.num_refused.total() == 3
    assert IngestionReport.from_json(IngestionReport().to_json()) == IngestionReport()


def test_the_same_report_has_the_same_text() -> None:
    """The order in which things were counted leaves no trace in the JSON."""
    reports = [IngestionReport(), IngestionReport()]
    for report, splits in zip(reports, (("train", "eval"), ("eval", "train")), strict=True):
        for number, split in enumerate(splits):
            report.num_examples[split] += 1
            report.num_refused[split] += 1
            report.name_label(number if split == splits[0] else 1 - number, "x")
    assert reports[0].to_json() == reports[1].to_json()


def test_merging_adds_up() -> None:
    """Counts are added, names united, refusals put in the order of file and record."""
    other = IngestionReport()
    other.keep(1_000)
    other.name_label(6, "emu")
    other.refuse(refused(9, source="A", reason="truncated_file", lost_bytes=77))
    merged = IngestionReport.merge([filled(), other, IngestionReport()])
    assert (merged.num_kept, merged.kept_bytes) == (5, 1_400)
    assert (merged.lost_bytes, merged.num_cut_off) == (77, 1)
    assert merged.num_refused == {"undecodable": 1, "empty": 1, "truncated_file": 1}
    assert [(item.source, item.index) for item in merged.refusals] == [("A", 9), ("a", 3), ("a", 5)]
    assert merged.label_texts == {0: "cat", 4: "chien à poil", 6: "emu"}
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
            report.refuse(refused(index, source))
        assert len(report.refusals) == MAX_LISTED
    merged = IngestionReport.merge(reports)
    assert merged.num_refused == {"undecodable": 2 * (MAX_LISTED + 10)}
    assert [item.source for item in merged.refusals] == ["a"] * MAX_LISTED


def test_a_refusal_is_listed_without_its_original() -> None:
    """The report says what is wrong where; the bytes are in the quarantine alone."""
    report = IngestionReport()
    report.refuse(refused(3))
    assert report.refusals == [Refusal("a", 3, "undecodable", "the detail", "image/encoded")]
    assert "the original" not in report.to_json()


@pytest.mark.parametrize(
    ("lost_bytes", "num_lost"),
    [
        ([], 0),
        ([40], 0),
        ([100], 0),
        ([1_000], 9),
        ([250, 250], 3),
        ([1_001], 10),
    ],
)
def test_lost_records_are_estimated(lost_bytes: list[int], num_lost: int) -> None:
    """By the size of those that could be read, rounded up, without the damaged ones, which are refused themselves."""
    report = IngestionReport()
    for _ in range(10):
        report.keep(100)
    for index, lost in enumerate(lost_bytes):
        report.refuse(refused(index, reason="corrupt_record", lost_bytes=lost))
    assert report.num_lost == num_lost
    report.num_examples = Counter(train=8, eval=2)
    unusable = len(lost_bytes) + num_lost
    assert report.refused_fraction == pytest.approx(unusable / (unusable + 10))


def test_where_nothing_can_be_read_all_is_unusable() -> None:
    """Without one record to estimate by, the refusals alone count, and make up the whole."""
    report = IngestionReport()
    report.refuse(refused(0, reason="not_a_tfrecord", lost_bytes=5_000))
    assert (report.num_lost, report.refused_fraction) == (0, 1.0)
    assert IngestionReport().refused_fraction == 0.0


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


def test_a_class_that_was_counted_has_a_name() -> None:
    """Up to the largest label of any split, each class is called by its number where the data has no name."""
    report = IngestionReport(class_counts={"train": {0: 9}, "eval": {2: 1}})
    assert report.max_label == 2
    assert report.labels(None) == ["0", "1", "2"]
    report.name_label(3, "never seen")
    assert report.labels(None) == ["0", "1", "2", "never seen"]


def test_without_examples_there_are_no_classes() -> None:
    """An empty report has no class, unless they are declared."""
    assert IngestionReport().max_label == -1
    assert IngestionReport().labels(None) == []
    assert IngestionReport().labels(("a",)) == ["a"]


def test_refusals_are_described_by_count_and_place() -> None:
    """A line of counts by reason, the first five with file, record, feature and reason, how many more, and where."""
    report = filled()
    assert report.describe_refusals().splitlines() == [
        "unusable examples: empty 1, undecodable 1",
        "  a, record 3: image/encoded: undecodable: the detail",
        "  a, record 5: image/encoded: empty: the detail",
    ]
    for index in range(4):
        report.refuse(refused(10 + index))
    report.quarantine = "/kept/name"
    lines = report.describe_refusals().splitlines()
    assert lines[0] == "unusable examples: empty 1, undecodable 5"
    assert len(lines) == 8
    assert lines[-2:] == ["  and 1 more", "all of them: /kept/name.jsonl, the originals in /kept/name.tfrecord"]


def test_a_loss_is_described() -> None:
    """Beside the refusals the report says about how many more are lost, and in how many bytes."""
    report = filled()
    report.refuse(refused(20, reason="corrupt_record", lost_bytes=1_000))
    assert report.describe_refusals().splitlines()[0] == (
        "unusable examples: corrupt_record 1, empty 1, undecodable 1; about 9 more are lost in 1000 bytes behind damage"
    )


def test_most_of_one_kind_is_a_mistake_of_the_experiment() -> None:
    """Where most examples are refused for one reason, the key that is likely wrong is named; else none is."""
    report = IngestionReport(Counter(train=10))
    for index in range(11):
        report.refuse(refused(index, reason="unknown_label"))
    assert "most are unknown_label: see that data.labels names the classes" in report.describe_refusals()
    report.num_examples["train"] = 11
    assert "most are" not in report.describe_refusals()
