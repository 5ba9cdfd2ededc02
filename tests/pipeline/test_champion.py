from __future__ import annotations

from typing import Any

from pipeline.champion import champion_object, describe_champion
from pipeline.record import RunRecord


def record(
    number: int, status: str, accuracy: float, champion: tuple[str, float] | None = None, **others: Any
) -> RunRecord:
    return RunRecord(
        run_id=f"run-{number}",
        experiment="flowers",
        digest="0",
        started="2026-01-02T03:04:05+00:00",
        status=status,
        data={"span": number},
        metrics={"accuracy": accuracy},
        champion={"model": champion[0], "metrics": {"accuracy": champion[1]}} if champion else None,
        **others,
    )


PUSHED = record(1, "pushed", 0.97, pushed_version=11, basis={"servable": "/a/model/7/Format-Serving"})


def test_without_a_comparison_there_is_no_champion() -> None:
    """A first model has nobody to beat."""
    assert champion_object([PUSHED]) is None
    assert describe_champion([PUSHED], "accuracy") == []


def test_decay_shows_though_nothing_is_pushed() -> None:
    """From the score when it was pushed over those on newer spans; runs with nothing new add none."""
    records = [
        PUSHED,
        record(2, "not_blessed", 0.90, ("/a/model/7", 0.95)),
        record(2, "unchanged", 0.90, ("/a/model/7", 0.95)),
        record(3, "not_blessed", 0.91, ("/a/model/7", 0.92)),
    ]
    assert describe_champion(records, "accuracy") == [
        "champion 11: accuracy 0.9700 when pushed, 0.9500 on the test data of span 2, 0.9200 on the test data of span 3"
    ]
    found = champion_object(records)
    assert found is not None
    assert [score["run_id"] for score in found["scores"]] == ["run-2", "run-3"]


def test_a_champion_that_no_record_knows_is_told_without_its_version() -> None:
    """Another model's directory whose name starts the same is not taken for it."""
    records = [PUSHED, record(2, "not_blessed", 0.9, ("/a/model/70", 0.95))]
    assert describe_champion(records, "accuracy") == ["the last champion: accuracy 0.9500 on the test data of span 2"]
