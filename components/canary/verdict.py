"""What is made of a model's answers: a check for each promise, with its figures and its limit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.canary.plan import Answer
from schemas import features
from schemas.canary import Canary, LiteAgreement

VERDICT_NAME = "canary.json"

_OUTPUTS = {
    features.CLASS_ID: "int64",
    features.CLASS_LABEL: "string",
    features.PROBABILITIES: "float32",
    features.TOP_LABELS: "string",
    features.TOP_PROBABILITIES: "float32",
}
_SIGNATURES = {
    features.SERVING_SIGNATURE: features.IMAGE_BYTES,
    features.EXAMPLES_SIGNATURE: features.EXAMPLES,
}
# Between batches the order of additions may differ, and nothing else.
_SAME = 1e-5


@dataclass(frozen=True)
class Check:
    """One promise: whether it holds, with the figures that say so."""

    name: str
    passed: bool
    message: str


@dataclass
class Verdict:
    """All checks, and what was measured."""

    checks: list[Check] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    budgets: dict[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every check did."""
        return all(check.passed for check in self.checks)

    def failures(self) -> list[str]:
        """A line for each check that failed."""
        return [f"{check.name}: {check.message}" for check in self.checks if not check.passed]

    def to_json(self) -> str:
        """For `from_json`, and for the report."""
        return json.dumps({"passed": self.passed, **asdict(self)}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Verdict:
        """What `to_json` gave."""
        content: dict[str, Any] = json.loads(text)
        return cls([Check(**check) for check in content["checks"]], content["figures"], content["budgets"])


def refusal(reason: str) -> Verdict:
    """Of a model that could not be tried at all."""
    return Verdict([Check("process", False, reason)])


def judge(answer: Answer, expected: NDArray[np.float32], are_files: bool, labels: list[str], canary: Canary) -> Verdict:
    """Compares what the model did with what it should have done.

    Args:
      answer: of the process that served it.
      expected: [images, classes], probabilities by the trained network.
      are_files: whether the files hold the same pixels as the stored examples.
      labels: the class of each image.
      canary: the experiment's section.
    """
    verdict = Verdict(budgets=_budgets(canary))
    if answer.error is not None:
        verdict.checks.append(Check("trial", False, f"{answer.step} ended in {answer.error}"))
    if answer.signatures:
        verdict.checks.append(_signatures(answer))
    if answer.error is None:
        verdict.figures = _figures(answer)
        verdict.checks += [
            _classes(answer, labels),
            *_parities(answer, expected, are_files, canary.tolerance),
            _batches(answer),
            _odd(answer),
            _broken(answer),
            _warm_up(answer),
            *_lite(answer, canary.tflite),
            *_within(verdict.figures, canary),
        ]
    return verdict


def _signatures(answer: Answer) -> Check:
    problems = []
    for name, argument in _SIGNATURES.items():
        found = answer.signatures.get(name)
        if found is None:
            problems.append(f"there is no signature {name}")
            continue
        inputs = {key: kind.split()[0] for key, kind in found["inputs"].items()}
        if inputs != {argument: "string"}:
            problems.append(f"{name} takes {inputs}, where {argument}: string was promised")
        outputs = {key: kind.split()[0] for key, kind in found["outputs"].items()}
        if outputs != _OUTPUTS:
            problems.append(f"{name} gives {outputs}, where {_OUTPUTS} was promised")
    return Check("signatures", not problems, "; ".join(problems) or ", ".join(_SIGNATURES))


def _classes(answer: Answer, labels: list[str]) -> Check:
    """Whether real images are answered; how many rightly is the Evaluator's matter."""
    assert answer.alone is not None
    sums = answer.alone.sum(axis=1)
    wrong = int((~np.isfinite(sums) | (np.abs(sums - 1) > 1e-3)).sum())
    right = sum(found == label for found, label in zip(answer.labels, labels, strict=True))
    told = f"{len(labels)} images of {len(set(labels))} classes, {right} of them as labelled"
    return Check("real images", not wrong, f"{wrong} of {told} without probabilities of sum 1" if wrong else told)


def _parities(answer: Answer, expected: NDArray, are_files: bool, tolerance: float) -> Iterator[Check]:
    assert answer.alone is not None
    assert answer.of_examples is not None
    if are_files:
        yield _parity(f"same as trained, {features.SERVING_SIGNATURE}", answer.alone, expected, tolerance)
    yield _parity(f"same as trained, {features.EXAMPLES_SIGNATURE}", answer.of_examples, expected, tolerance)


def _parity(name: str, found: NDArray, expected: NDArray, tolerance: float) -> Check:
    if found.shape != expected.shape:
        return Check(name, False, f"{found.shape[1]} classes, where the trained network has {expected.shape[1]}")
    difference = float(np.abs(found - expected).max())
    chosen = found.argmax(axis=1)
    # Of two classes that are equally likely either is the same.
    of_chosen = np.take_along_axis(expected, chosen[:, None], axis=1)[:, 0]
    others = int((of_chosen < expected.max(axis=1) - tolerance).sum())
    told = f"probabilities differ by {difference:.2g} at most, {others} of {len(found)} images get another class"
    passed = difference <= tolerance and not others
    return Check(name, passed, told if passed else f"{told}; at most {tolerance:g} may differ (canary.tolerance)")


def _batches(answer: Answer) -> Check:
    size, difference = max(answer.in_batches.items(), key=lambda item: item[1])
    told = f"sizes {min(answer.in_batches)} to {max(answer.in_batches)} differ by {difference:.2g} at most"
    passed = difference <= _SAME
    return Check("batch sizes", passed, told if passed else f"{told}, at {size}; {_SAME:g} may differ")


def _odd(answer: Answer) -> Check:
    problems = []
    for name, found in answer.odd.items():
        if isinstance(found, str):
            problems.append(f"{name}: {found}")
        elif not abs(found - 1) <= 1e-3:
            problems.append(f"{name}: probabilities of sum {found:g}")
    return Check("odd images", not problems, "; ".join(problems) or ", ".join(answer.odd))


def _broken(answer: Answer) -> Check:
    problems = [f"{name} was answered as if it were an image" for name, error in answer.broken.items() if error is None]
    for name, found in answer.after_broken.items():
        if isinstance(found, str):
            problems.append(f"after {name} a good image ended in {found}")
        elif not found <= _SAME:
            problems.append(f"after {name} a good image was answered otherwise, by {found:g}")
    return Check("broken bytes", not problems, "; ".join(problems) or f"refused: {', '.join(answer.broken)}")


def _warm_up(answer: Answer) -> Check:
    problems = [f"request {index}: {error}" for index, error in enumerate(answer.warm_up) if error is not None]
    return Check("warm-up requests", not problems, "; ".join(problems) or f"{len(answer.warm_up)} answered")


def _lite(answer: Answer, agreement: LiteAgreement) -> Iterator[Check]:
    """Whether the TensorFlow Lite models say nearly what the SavedModel says."""
    for kind, found in answer.lite.items():
        name, limits = f"tflite {kind}", getattr(agreement, kind)
        if isinstance(found, str):
            yield Check(name, False, found)
            continue
        assert answer.alone is not None
        difference = float(np.abs(found - answer.alone).max())
        share = float(np.mean(found.argmax(axis=1) == answer.alone.argmax(axis=1)))
        told = f"probabilities differ by {difference:.2g} at most, {share:.1%} of the images get the same class"
        passed = difference <= limits.max_difference and share >= limits.min_same_class
        place = f"canary.tflite.{kind}"
        allowed = (
            f"; at most {limits.max_difference:g} may differ ({place}.max_difference), and"
            f" {limits.min_same_class:.1%} must be the same ({place}.min_same_class)"
        )
        yield Check(name, passed, told if passed else told + allowed)


def _figures(answer: Answer) -> dict[str, float]:
    latencies = np.array(answer.latencies) * 1000
    return {
        "latency_p50_ms": round(float(np.percentile(latencies, 50)), 3),
        "latency_p99_ms": round(float(np.percentile(latencies, 99)), 3),
        "images_per_second": round(answer.images_per_second, 1),
        "peak_memory_mb": round(answer.peak_memory / 1e6, 1),
        "load_seconds": round(answer.load_seconds, 3),
    }


_AT_MOST = {
    "max_latency_p50_ms": "latency_p50_ms",
    "max_latency_p99_ms": "latency_p99_ms",
    "max_memory_mb": "peak_memory_mb",
}
_AT_LEAST = {"min_images_per_second": "images_per_second"}


def _budgets(canary: Canary) -> dict[str, float]:
    limits = {key: getattr(canary, key) for key in (*_AT_MOST, *_AT_LEAST)}
    return {key: limit for key, limit in limits.items() if limit is not None}


def _within(figures: dict[str, float], canary: Canary) -> Iterator[Check]:
    for key, limit in _budgets(canary).items():
        name = _AT_MOST.get(key) or _AT_LEAST[key]
        passed = figures[name] <= limit if key in _AT_MOST else figures[name] >= limit
        bound = "at most" if key in _AT_MOST else "at least"
        yield Check(name, passed, f"{figures[name]:g}, {bound} {limit:g} (canary.{key})")
