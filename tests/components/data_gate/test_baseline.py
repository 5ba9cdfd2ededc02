from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from components.lineage import ACCEPTED
from schemas import features
from schemas.gate import Gate
from tests.bookkeeping import store_at
from tests.components.gated import Gated, example, found
from tests.components.images import Pixels, noise

NUM_IMAGES = 60
DRIFT = Gate(drift="fail")


def images(lowest: int, seed: int) -> list[Pixels]:
    """Images whose brightness starts at a value and goes no further than 31 above it."""
    return [np.uint8(lowest) + noise(8, 8, 1, seed + index) // np.uint8(8) for index in range(NUM_IMAGES)]


def examples(pixels: Iterable[Pixels]) -> Iterator[bytes]:
    return (example(index, image) for index, image in enumerate(pixels))


@pytest.fixture
def gated(tmp_path: Path) -> Gated:
    """Sources: usual, the same in other images (alike), the same inverted, and darker than any (dark)."""
    gated = Gated(tmp_path)
    gated.write("usual", images=examples(images(60, seed=0)))
    gated.write("alike", images=examples(images(60, seed=1000)))
    gated.write("inverted", images=examples(~image for image in images(60, seed=0)))
    gated.write("dark", images=examples(images(0, seed=3000)))
    return gated


def averages(gated: Gated, source: str, gate: Gate = DRIFT) -> tuple[str, str] | None:
    """Brightness before and now, as the finding tells it; None where nothing is found."""
    messages = [
        finding.message for finding in found(gated.judge(source, gate)[0], "drift") if finding.feature == features.MEAN
    ]
    if not messages:
        return None
    told = re.search(r"\(([\d.]+) to ([\d.]+) on average\)", messages[0])
    assert told
    return told[1], told[2]


def test_other_data_is_found(gated: Gated) -> None:
    """The first data has nothing to be compared with; data like it passes; inverted images are drift."""
    assert averages(gated, "usual") is None
    assert averages(gated, "alike") is None
    assert averages(gated, "inverted") is not None
    [finding, *_] = found(gated.judge("inverted", DRIFT)[0], "drift")
    assert re.search(r"First: [\d.]+ in [^,]+, record \d+;", finding.message)


def test_an_unchanged_run_is_compared_with_the_same_and_cached(gated: Gated) -> None:
    """However often it is repeated, the verdict is the one found at first, and nothing works anew."""
    gate = Gate(drift="warn")
    gated.judge("usual", gate)
    first, states = gated.judge("inverted", gate)
    assert states["DataGate"] == "executed"
    for _ in range(2):
        again, states = gated.judge("inverted", gate)
        assert again == first
        assert found(again, "drift")
        assert {state for node, state in states.items() if node != "LastData"} == {"cached"}


def test_data_is_not_compared_with_itself(gated: Gated) -> None:
    """Another limit judges the same data anew, and against what was there before it, not against itself."""
    gated.judge("usual", Gate(drift="warn"))
    gated.judge("inverted", Gate(drift="warn"))
    verdict, states = gated.judge("inverted", Gate(drift="warn", max_drift=0.2))
    assert states["DataGate"] == "executed"
    assert found(verdict, "drift")


def test_data_that_failed_is_no_measure(gated: Gated) -> None:
    """After refused data the next is compared with the last that passed."""
    gated.judge("usual")
    assert averages(gated, "inverted") is not None
    assert not gated.judge("inverted", DRIFT)[0].passed
    assert averages(gated, "alike") is None


def test_data_that_passed_with_warnings_is_a_measure(gated: Gated) -> None:
    """What may go on is what the next data is compared with, the last of it."""
    usual = gated.judge("usual")
    assert usual[0].passed
    before = averages(gated, "inverted", Gate(drift="warn"))
    assert before is not None
    after = averages(gated, "dark")
    assert after is not None
    assert after[0] == before[1]


def test_accepted_data_is_a_measure(gated: Gated) -> None:
    """Data that failed and was accepted by a person is what the next data is compared with."""
    gated.judge("usual")
    refused = averages(gated, "inverted")
    assert refused is not None
    store = store_at(gated.root / "stages" / "metadata.db")
    [verdict] = store.get_artifacts_by_id([gated.stages.outputs["DataGate"]["verdict"].id])
    verdict.custom_properties[ACCEPTED].string_value = "me: it is meant"
    store.put_artifacts([verdict])
    compared = averages(gated, "dark")
    assert compared is not None
    assert compared[0] == refused[1]
