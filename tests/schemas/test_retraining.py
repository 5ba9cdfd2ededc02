from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.consistency import check_consistency
from schemas.experiment import Experiment
from schemas.retraining import Retraining


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"cron": "0 3 * *"}, "got '0 3 * *': 4 fields where there are five"),
        ({"timezone": "Europe/Berlni"}, "no time zone is named 'Europe/Berlni'; write one of IANA's names"),
        ({"on_new_data": False}, "nothing would ever start a run; give 'cron'"),
    ],
)
def test_a_section_that_cannot_work_is_refused(section: dict[str, Any], told: str) -> None:
    """With what is wrong, and what to write."""
    with pytest.raises(ValidationError) as refusal:
        Retraining.model_validate(section)
    assert told in str(refusal.value)


def problems_of(**sections: Any) -> list[str]:
    content = {"name": "x", "data": {"dataset": "digits"}, **sections}
    return [str(problem) for problem in check_consistency(Experiment.model_validate(content))]


def test_it_goes_with_the_other_sections() -> None:
    """Scratch every few times is said of warm starts alone, drift where statistics of served images are named."""
    [problem] = problems_of(retraining={"from_scratch_every": 3})
    assert problem.startswith("retraining.from_scratch_every: every training starts from scratch")
    assert problems_of(retraining={"from_scratch_every": 3}, training={"warm_start": True}) == []
    [problem] = problems_of(retraining={"on_drift": True})
    assert problem.startswith("retraining.on_drift: needs statistics of the images served")
