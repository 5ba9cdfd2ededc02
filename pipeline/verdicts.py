"""Results that end a run although no node failed."""

from __future__ import annotations

import os
from typing import NamedTuple

from tfx.dsl.io import fileio
from tfx.types import Artifact

from components.canary.verdict import VERDICT_NAME as TRIAL_NAME
from components.canary.verdict import Verdict as TrialVerdict
from components.data_gate.artifact import VERDICT_NAME
from components.data_gate.verdict import Verdict
from components.evaluator.outcome import champion_stays, describe_failures
from pipeline.execution import Outputs
from pipeline.record import NOT_BLESSED, REFUSED, STOPPED_BY_GATE


class Stop(NamedTuple):
    """Why the run ends here: a status of `pipeline.record`, and what to tell a person."""

    status: str
    message: str


def gate_verdict(outputs: Outputs) -> Verdict | None:
    """The verdict among a node's outputs, if it is the gate."""
    if "verdict" not in outputs:
        return None
    with fileio.open(os.path.join(outputs["verdict"][0].uri, VERDICT_NAME)) as file:
        return Verdict.from_json(file.read())


def stop_after(outputs: Outputs) -> Stop | None:
    """What a node's outputs, new or cached, say against going on; None where nothing does."""
    verdict = gate_verdict(outputs)
    if verdict is not None and not verdict.passed:
        return Stop(STOPPED_BY_GATE, f"the data gate stopped the run:\n{verdict.describe()}")
    if "blessing" in outputs and outputs["blessing"][0].get_int_custom_property("blessed") != 1:
        evaluation = outputs["evaluation"][0].uri
        why = "the champion stays, and the new model" if champion_stays(evaluation) else "the model is not blessed and"
        return Stop(NOT_BLESSED, "\n".join([f"{why} is not pushed:", *describe_failures(evaluation)]))
    if "infra_blessing" in outputs:
        trial = read_trial(outputs["infra_blessing"][0])
        if not trial.passed:
            return Stop(
                REFUSED, "the model is refused by the canary and is not pushed:\n" + "\n".join(trial.failures())
            )
    return None


def read_trial(infra_blessing: Artifact) -> TrialVerdict:
    """What the Canary found."""
    with fileio.open(os.path.join(infra_blessing.uri, TRIAL_NAME)) as file:
        return TrialVerdict.from_json(file.read())
