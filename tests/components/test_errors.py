from __future__ import annotations

import pytest

from components.errors import DataError, StageError, TrainingError


@pytest.mark.parametrize("kind", [DataError, TrainingError])
def test_every_failure_that_a_user_can_mend_is_a_stage_error(kind: type[StageError]) -> None:
    """Caught as one kind, each is shown as the message that it was raised with."""
    with pytest.raises(StageError, match=r"^what came, and how to mend it$"):
        raise kind("what came, and how to mend it")
    assert not issubclass(DataError, TrainingError)
    assert not issubclass(TrainingError, DataError)
