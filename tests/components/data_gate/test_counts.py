from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from components.data_gate.counts import check_classes, check_copies, check_labels, check_quarantine
from components.data_gate.verdict import Finding
from components.image_example_gen.items import Refused
from components.image_example_gen.report import Copies, Copy, IngestionReport
from schemas.gate import Gate

NAMES = ("cat", "dog", "emu", "fox", "gnu", "hen", "ibex")


def counted(*counts: int, first: int = 0) -> IngestionReport:
    """A report of so many training examples of each class, and of one of each to judge by."""
    report = IngestionReport(num_examples=Counter(train=sum(counts), eval=len(counts), test=len(counts)))
    report.class_counts = {
        "train": {first + label: count for label, count in enumerate(counts) if count},
        **{split: dict.fromkeys(range(first, first + len(counts)), 1) for split in ("eval", "test")},
    }
    return report


def refusing(num_usable: int, *refusals: Refused) -> IngestionReport:
    """A report of so many usable examples of 100 bytes, and of what was refused."""
    report = counted(num_usable - 2)
    for _ in range(num_usable):
        report.keep(100)
    for refused in refusals:
        report.refuse(refused)
    return report


def broken(index: int, lost_bytes: int = 0) -> Refused:
    return Refused("a.tfrecord", index, "undecodable", "no image", "image/encoded", b"", lost_bytes)


def copies() -> IngestionReport:
    """Seven images twice in two splits, one of them with two labels."""
    leaking = [[Copy(f"{n}.png", 0, "train", 0), Copy(f"copy-{n}.png", 0, "test", int(n == 0))] for n in range(7)]
    return IngestionReport(
        Counter(train=50, test=10),
        copies=Copies(
            7, 14, num_conflicting=1, num_leaking=7, repeated=leaking, conflicting=leaking[:1], leaking=leaking
        ),
    )


# A check, and data that it finds something in.
CHECKS: dict[str, Callable[[Gate], list[Finding]]] = {
    "quarantine": lambda gate: check_quarantine(refusing(8, broken(3), broken(5)), 0.1, gate),
    "too_few": lambda gate: check_classes(counted(9, 0), NAMES[:2], gate),
    "imbalance": lambda gate: check_classes(counted(90, 1), NAMES[:2], gate),
    "duplicates": lambda gate: check_copies(copies(), gate),
    "leakage": lambda gate: check_copies(copies(), gate),
    "conflicts": lambda gate: check_copies(copies(), gate),
}


def only(findings: Sequence[Finding], check: str) -> Finding:
    [found] = [finding for finding in findings if finding.check == check]
    return found


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_fails_warns_or_is_off(check: str) -> None:
    """The policy decides whether the same finding stops the run, is told, or is not looked for."""
    of_policy = {policy: CHECKS[check](Gate.model_validate({check: policy})) for policy in ("fail", "warn", "off")}
    failing, warning = only(of_policy["fail"], check), only(of_policy["warn"], check)
    assert (failing.fails, warning.fails) == (True, False)
    assert failing.message == warning.message
    assert check not in {finding.check for finding in of_policy["off"]}


@pytest.mark.parametrize(("num_broken", "fails"), [(0, False), (1, False), (2, False), (3, True)])
def test_the_quarantine_may_take_its_share(num_broken: int, fails: bool) -> None:
    """Exactly the limit passes, with a warning; one example more does not; nothing broken is nothing to tell."""
    report = refusing(20 - num_broken, *map(broken, range(num_broken)))
    findings = check_quarantine(report, 0.1, Gate())
    assert [finding.fails for finding in findings] == ([fails] if num_broken else [])
    for finding in findings:
        head, counts, first, *_ = finding.message.splitlines()
        assert head == (
            f"{num_broken} of 20 examples cannot be used, a fraction of {num_broken / 20:.4g};"
            " the limit is data.quarantine.max_fraction = 0.1"
        )
        assert counts == f"unusable examples: undecodable {num_broken}"
        assert first == "  a.tfrecord, record 0: image/encoded: undecodable: no image"


def test_what_is_lost_behind_damage_counts() -> None:
    """Behind a damaged length no record can be found: their number is estimated from the bytes, and told as such."""
    finding = only(check_quarantine(refusing(10, broken(10, lost_bytes=1000)), 0.3, Gate()), "quarantine")
    assert finding.fails
    assert finding.message.startswith("10 of 20 examples cannot be used, a fraction of 0.5; ")
    assert "undecodable 1; about 9 more are lost in 1000 bytes behind damage" in finding.message


def test_names_that_contradict_the_data_fail() -> None:
    """A class that the data and data.labels call by different names is told with both; unnamed ones are free."""
    report = counted(5, 5, 5)
    report.name_label(0, "cat")
    report.name_label(1, "dog")
    assert check_labels(report, None, is_bounded=False) == []
    assert check_labels(report, NAMES[:3], is_bounded=False) == []
    [finding] = check_labels(report, ("dog", "cat", "emu"), is_bounded=True)
    assert finding.fails
    assert finding.message == (
        "image/class/label: class 0 is called 'cat' in the data and 'dog' in data.labels;"
        " class 1 is called 'dog' in the data and 'cat' in data.labels"
    )


def test_classes_below_0_fail() -> None:
    """They stop the run, unless the anomalies tell of them already; with data.labels ingestion refuses them."""
    assert check_labels(counted(5, 5, first=-1), None, is_bounded=True) == []
    [below] = check_labels(counted(5, 5, first=-1), None, is_bounded=False)
    assert below.fails
    assert below.message == "image/class/label: the data has the class -1; classes are counted from 0"


@pytest.mark.parametrize(
    ("report", "shown"),
    [
        (counted(5, 5, first=1), "class 0 (cat): 0"),
        (counted(5, 0, 5), "class 1 (dog): 0"),
        (counted(5, 5, 0), "class 2 (emu): 0"),
        (counted(5, 1, 5), "class 1 (dog): 1"),
    ],
    ids=["counted from 1", "a gap", "the last one", "one"],
)
def test_a_class_with_too_few_examples_is_named(report: IngestionReport, shown: str) -> None:
    """Labels counted from 1, gaps, declared classes without images: number, name and count, and the limit."""
    finding = only(check_classes(report, NAMES[:3], Gate(min_per_class=2)), "too_few")
    assert finding.fails
    assert finding.message == f"training examples of {shown}; the limit is gate.min_per_class = 2"
    assert check_classes(counted(2, 2, 2), NAMES[:3], Gate(min_per_class=2)) == []


def test_of_many_classes_with_too_few_the_first_are_named() -> None:
    """Five are listed and the others counted."""
    message = only(check_classes(counted(9, *[0] * 6), NAMES, Gate()), "too_few").message
    assert message.startswith("training examples of class 1 (dog): 0, ")
    assert "class 5 (hen): 0 and 1 more class; " in message


def test_one_class_is_too_few() -> None:
    """A classifier has nothing to tell apart, however many examples there are."""
    for gate in (Gate(), Gate(too_few="off")):
        finding = only(check_classes(counted(500), ["cat"], gate), "classes")
        assert finding.fails
        assert finding.message == "all training examples are of one class, 'cat'; a classifier needs two"


def test_imbalance_is_the_ratio_of_the_extremes() -> None:
    """Exactly the limit passes; above it both classes, both counts, the ratio and the limit are told."""
    gate = Gate(max_imbalance=10.0)
    assert check_classes(counted(50, 5, 20), NAMES[:3], gate) == []
    [finding] = check_classes(counted(51, 5, 20), NAMES[:3], gate)
    assert not finding.fails
    assert finding.message == (
        "'cat' has 51 training examples, 'dog' has 5, 10.2 times fewer; the limit is gate.max_imbalance = 10"
    )


def test_copies_are_told_with_their_places() -> None:
    """How many images, and of the first five where each copy is, with split and class."""
    findings = check_copies(copies(), Gate())
    head, *pairs = only(findings, "leakage").message.splitlines()
    assert head == "7 images are in more than one of the splits train, eval, test; the limit is 0"
    assert len(pairs) == 5
    assert pairs[1] == "  1.png, record 0 (split train, class 0) = copy-1.png, record 0 (split test, class 0)"
    head, pair = only(findings, "conflicts").message.splitlines()
    assert head == "1 image occurs with more than one label; the limit is 0"
    assert pair.endswith("copy-0.png, record 0 (split test, class 1)")
    assert check_copies(IngestionReport(), Gate(duplicates="fail", leakage="fail", conflicts="fail")) == []


def test_many_repeated_images_are_told() -> None:
    """The share of examples that add no image, its limit, and the first copies; at the limit nothing is said."""
    head, first, *_ = only(check_copies(copies(), Gate()), "duplicates").message.splitlines()
    assert head == ("7 of 60 examples repeat an image, a fraction of 0.1167; the limit is gate.max_duplicates = 0.1")
    assert first == "  0.png, record 0 (split train, class 0) = copy-0.png, record 0 (split test, class 1)"
    enough = Gate(max_duplicates=7 / 60)
    assert [finding.check for finding in check_copies(copies(), enough)] == ["leakage", "conflicts"]
