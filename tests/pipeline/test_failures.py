from __future__ import annotations

import errno
import json

import pytest

from components.errors import DataError, StageError, TrainingError
from pipeline.failures import describe, is_about_data


@pytest.mark.parametrize(
    ("error", "expected"),
    [(DataError("no image"), True), (TrainingError("nan"), False), (StageError("x"), False), (OSError(), False)],
    ids=repr,
)
def test_only_data_is_to_blame_for_data_errors(error: Exception, expected: bool) -> None:
    """The exit status of the data gate is for the data alone."""
    assert is_about_data(error) is expected


def test_a_user_s_mistake_is_its_message_alone() -> None:
    """What a stage states in full is shown whole and without the exception's name."""
    text = "no usable example\n  a.tfrecord, record 3\n  b.tfrecord, record 4\n  c.tfrecord, record 5"
    assert describe("ImageExampleGen", DataError(text)) == f"ImageExampleGen: {text}"


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some space on its disk, then run again"),
        (errno.EROFS, "give another workspace with --workspace DIR"),
        (errno.EACCES, "change its permissions"),
        (errno.EPERM, "change its permissions"),
    ],
)
def test_what_the_system_refuses_comes_with_advice(number: int, advice: str) -> None:
    """A full, read-only or forbidden place is named with the mend."""
    error = OSError(number, "What it says", "/some/place")
    text = describe("Trainer", error)
    assert text.startswith("Trainer: What it says (/some/place); ")
    assert advice in text


def test_what_the_system_refuses_otherwise() -> None:
    """Any other refusal has its reason, and its place where it is known."""
    assert describe("Trainer", OSError(errno.EIO, "Input/output error")) == "Trainer: Input/output error"


def test_too_little_memory_names_the_keys() -> None:
    """Out of memory says which keys of the experiment to lower."""
    text = describe("Trainer", MemoryError())
    assert text == "Trainer: out of memory; lower training.batch_size or training.shuffle_buffer"


@pytest.mark.parametrize(
    ("node", "follows"),
    [("Transform", "starts anew"), ("Trainer", "goes on where it was"), ("Tuner", "goes on where it was")],
)
def test_an_interruption_is_no_failure_of_the_node(node: str, follows: str) -> None:
    """Ctrl-C is told as such, with what the next run makes of it."""
    told = f"{node}: interrupted; run again: finished stages are kept, this one {follows}"
    assert describe(node, KeyboardInterrupt()) == told


def test_an_unforeseen_error_is_shown_by_its_last_lines() -> None:
    """No wall of text: the error's name and at most its last three lines, of long ones their two ends."""
    message = "\n".join(["first", *"abcd", "x" * 300])
    assert describe("Trainer", RuntimeError(message)) == f"Trainer failed: c\nd\n{'x' * 300}"
    text = describe("Trainer", RuntimeError("where" + "x" * 1000 + "why"))
    assert text.startswith("Trainer failed: RuntimeError: wherexxx")
    assert text.endswith("xxxwhy")
    assert len(text) < 330
    assert describe("Trainer", KeyError("label")) == "Trainer failed: KeyError: 'label'"
    broken = json.JSONDecodeError("bad", "{", 1)
    assert describe("Trainer", broken) == "Trainer failed: json.decoder.JSONDecodeError: bad: line 1 column 2 (char 1)"


def test_an_error_without_words_has_its_name() -> None:
    """An exception without a message still says something."""
    assert describe("Trainer", AssertionError()) == "Trainer failed: AssertionError"
