from __future__ import annotations

import json
import re
from datetime import datetime
from typing import NamedTuple

import pytest

from tests.command_line import Outcome
from tests.pipeline.projects import Project, inverted, make_project, write_records

pytestmark = pytest.mark.long


class Changed(NamedTuple):
    """Runs over inverted images, after one over the usual: refused, accepted, and once more without a word."""

    project: Project
    refused: Outcome
    accepted: Outcome
    again: Outcome


@pytest.fixture(scope="module")
def inverted_data(records: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Changed:
    project = make_project(tmp_path_factory.mktemp("inverted"), records)
    options = ("gate.drift=fail", "evaluation.thresholds.accuracy={min: 0.0, max_drop: null}")
    first = project.run(*options)
    assert first.exit_status == 0, first.errors
    write_records(project.directory / "source" / "digits.tfrecord", list(map(inverted, records)))
    accepted = (None, "a new scanner", None)
    return Changed(project, *(project.run(*options, accept=reason) for reason in accepted))


def test_drift_stops_the_run(inverted_data: Changed) -> None:
    """Against the data of the last pushed run, the fact, its distance, what it was and is, the limit and the mend."""
    refused = inverted_data.refused
    assert refused.exit_status == 3
    assert refused.json["accepted"] is None
    lines = refused.json["message"].splitlines()
    [brightness] = [line for line in lines if line.startswith("drift: split train: image/mean: ")]
    assert "from the last data that passed" in brightness
    assert "; the limit is gate.max_drift = 0.1. First: " in brightness
    assert brightness.endswith(".")
    assert "digits.tfrecord, record " in brightness
    assert lines[-1].startswith("to mend drift: ")
    assert lines[-1].endswith("gate.drift=warn lets every run go on, --accept-data REASON this one")


def test_data_can_be_accepted_for_one_run(inverted_data: Changed) -> None:
    """The run goes on to the push; who accepted what, when and why is in its record and told as a warning."""
    refused, accepted = inverted_data.refused, inverted_data.accepted
    assert accepted.exit_status == 0, accepted.errors
    assert accepted.json["status"] == "pushed"
    assert accepted.json["message"] is None
    assert (accepted.states["DataGate"], accepted.states["Pusher"]) == ("cached", "executed")
    given = accepted.json["accepted"]
    assert given["why"] == "a new scanner"
    assert given["verdict"].startswith("drift: split train: image/mean: ")
    assert given["verdict"] in refused.json["message"]
    assert re.fullmatch(r"\S+@\S+", given["who"])
    assert datetime.fromisoformat(given["when"]).tzinfo is not None
    [warning] = accepted.json["warnings"]
    assert warning.endswith(f"\naccepted by {given['who']}: a new scanner")
    project = inverted_data.project
    record = json.loads((project.root / "runs" / accepted.json["run_id"] / "record.json").read_text())
    assert record["accepted"] == given
    told = f"{accepted.json['run_id']}: data accepted by {given['who']}, {given['when']}: a new scanner"
    assert told in project.command("status").output.splitlines()


def test_an_acceptance_ends_with_its_run(inverted_data: Changed) -> None:
    """The next run over the same data without the option is stopped again, by the verdict in the cache."""
    again = inverted_data.again
    assert again.exit_status == 3
    assert again.states["DataGate"] == "cached"
    assert again.json["accepted"] is None
    assert again.json["message"] == inverted_data.refused.json["message"]
