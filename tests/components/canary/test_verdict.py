from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from components.canary.plan import Answer
from components.canary.verdict import Verdict, judge, refusal
from schemas.canary import Canary

OUTPUTS = {
    "class_id": "int64 [None]",
    "label": "string [None]",
    "probabilities": "float32 [None, 2]",
    "top_labels": "string [None, 2]",
    "top_probabilities": "float32 [None, 2]",
}
EXPECTED = np.array([[0.9, 0.1], [0.5, 0.5]], np.float32)
GOOD = Answer(
    signatures={
        "serving_default": {"inputs": {"image_bytes": "string [None]"}, "outputs": OUTPUTS},
        "serving_examples": {"inputs": {"examples": "string [None]"}, "outputs": OUTPUTS},
    },
    alone=EXPECTED + np.float32(1e-6) * np.array([[1, -1], [-1, 1]], np.float32),
    labels=["ant", "ant"],
    of_examples=EXPECTED,
    in_batches={1: 0.0, 64: 1e-7},
    odd={"alpha": 1.0},
    broken={"a text": "InvalidArgumentError: no"},
    after_broken={"a text": 0.0},
    warm_up=[None],
    latencies=[0.001, 0.003],
    images_per_second=100.0,
    peak_memory=500_000_000,
    step="measuring",
)


def verdict_on(canary: Canary | None = None, are_files: bool = True, **changes: Any) -> Verdict:
    return judge(replace(GOOD, **changes), EXPECTED, are_files, ["ant", "bee"], canary or Canary())


def test_a_model_that_keeps_every_promise_passes() -> None:
    """Rounding may differ, and of two equally likely classes either may come first."""
    verdict = verdict_on()
    assert verdict.passed, verdict.failures()
    assert verdict.figures["latency_p50_ms"] == pytest.approx(2)
    assert verdict.figures["peak_memory_mb"] == 500
    assert Verdict.from_json(verdict.to_json()) == verdict


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"signatures": {"serving_default": GOOD.signatures["serving_default"]}},
            "there is no signature serving_examples",
        ),
        (
            {
                "signatures": {
                    **GOOD.signatures,
                    "serving_default": {"inputs": {"images": "string [None]"}, "outputs": OUTPUTS},
                }
            },
            "serving_default takes {'images': 'string'}, where image_bytes: string was promised",
        ),
        ({"alone": EXPECTED * 2}, "real images: 2 of 2 images"),
        ({"alone": np.full((2, 2), np.nan, np.float32)}, "real images: 2 of 2 images"),
        ({"alone": EXPECTED[:, ::-1]}, "same as trained, serving_default: probabilities differ by 0.8 at most, 1 of 2"),
        ({"of_examples": EXPECTED + 2e-5}, "same as trained, serving_examples: probabilities differ by 2e-05 at most"),
        ({"of_examples": np.ones((2, 3), np.float32) / 3}, "3 classes, where the trained network has 2"),
        ({"in_batches": {1: 0.0, 8: 0.25}}, "batch sizes: sizes 1 to 8 differ by 0.25 at most, at 8"),
        ({"odd": {"alpha": "InvalidArgumentError: four"}}, "odd images: alpha: InvalidArgumentError: four"),
        ({"odd": {"1x1": float("nan")}}, "odd images: 1x1: probabilities of sum nan"),
        ({"broken": {"a text": None}}, "broken bytes: a text was answered as if it were an image"),
        (
            {"after_broken": {"a text": "UnavailableError: gone"}},
            "broken bytes: after a text a good image ended in U",
        ),
        ({"after_broken": {"a text": 0.5}}, "broken bytes: after a text a good image was answered otherwise, by 0.5"),
        ({"warm_up": [None, "NotFoundError: x"]}, "warm-up requests: request 1: NotFoundError: x"),
        ({"lite": {"int8": "ValueError: no model"}}, "tflite int8: ValueError: no model"),
        (
            {"lite": {"float16": EXPECTED[:, ::-1]}},
            "tflite float16: probabilities differ by 0.8 at most, 0.0% of the images get the same class;"
            " at most 0.02 may differ (canary.tflite.float16.max_difference), and 98.0% must be the same",
        ),
        ({"error": "ValueError: x", "step": "asking in batches"}, "trial: asking in batches ended in ValueError: x"),
    ],
)
def test_each_broken_promise_is_told(changes: dict[str, Any], words: str) -> None:
    """With the check, the figures and the limit."""
    failures = "\n".join(verdict_on(**changes).failures())
    assert words in failures


def test_pixels_with_fractions_have_no_file_to_compare() -> None:
    """Only the signature for examples can be held to the training then."""
    verdict = verdict_on(are_files=False, alone=EXPECTED[:, ::-1])
    assert verdict.passed
    assert "same as trained, serving_default" not in {check.name for check in verdict.checks}


def test_a_model_that_could_not_be_tried_is_refused() -> None:
    """With the reason alone."""
    assert refusal("it hung").failures() == ["process: it hung"]
