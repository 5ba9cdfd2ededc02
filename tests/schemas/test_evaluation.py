from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.consistency import check_consistency
from schemas.evaluation import Evaluation
from schemas.experiment import Experiment


def test_thresholds_of_parts_are_looked_at_alike() -> None:
    """Limits that no part meets, and labels that the experiment does not know."""
    rules = [{"by": "label", "value": "tulpe", "thresholds": {"f1": {"min": 80}}}]
    data = {"dataset": "digits", "labels": ["rose", "tulip"]}
    content = {"name": "x", "data": data, "evaluation": {"slice_thresholds": rules}}
    assert [str(problem) for problem in check_consistency(Experiment.model_validate(content))] == [
        "evaluation.slice_thresholds.0.thresholds.f1.min: got the number 80; expected at most 1, which no f1 exceeds;"
        " write 0.8",
        "evaluation.slice_thresholds.0.value: no class of data.labels; did you mean 'tulip'?\n"
        "    known here: rose, tulip",
    ]


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"by": "size", "thresholds": {"f1": {"min": 0.5}}}, "f1: a metric of parts by label alone"),
        ({"by": "label", "thresholds": {"macro_f1": {"min": 0.5}}}, "macro_f1: a metric of parts with more than one"),
        ({"by": "contrast", "thresholds": {"accuracy": {"min": 0.5}}}, "by contrast: add that to 'slices'"),
    ],
)
def test_parts_that_are_not_made_or_have_no_such_metric(rules: dict[str, Any], words: str) -> None:
    """What could never be judged is refused."""
    with pytest.raises(ValidationError, match=re.escape(words)):
        Evaluation.model_validate({"slice_thresholds": [rules]})
