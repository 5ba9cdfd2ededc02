"""How far what is served has moved away from what the last complete run trained on.

As the data gate measures skew, in a process of its own: TensorFlow Data Validation stays out of the scheduler.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from components.errors import StageError
from components.leaving import leaving_promptly
from pipeline.record import RunRecord
from pipeline.retraining.child import last_object, named
from schemas.gate import Gate

_ROOT = Path(__file__).resolve().parent.parent.parent
_TIMEOUT = 600.0


def fingerprint_of(gate: Gate) -> str | None:
    """Of the statistics of served images; None where there are none, or only elsewhere than on this machine."""
    try:
        return hashlib.sha256(Path(str(gate.serving_statistics)).read_bytes()).hexdigest()
    except OSError:
        return None


def find_drift(gate: Gate, last: RunRecord) -> list[str]:
    """The facts that are further apart than they may be, a sentence each.

    Args:
      gate: the experiment's section, with statistics of what is served.
      last: a complete run.

    Raises:
      StageError: it cannot be measured.
    """
    assert last.basis is not None
    places = {name: uris[0] for name, uris in last.basis["artifacts"].items()}
    given = {
        "gate": gate.model_dump(mode="json"),
        **{name: places[name] for name in ("statistics", "schema", "examples")},
    }
    try:
        result = subprocess.run(
            [sys.executable, "-m", "pipeline.retraining.drift"],
            input=json.dumps(given),
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise StageError(f"drift could not be measured: {type(error).__name__}") from error
    # An answer that is whole counts, however its process ended.
    told = last_object(result.stdout)
    if "error" in told:
        raise StageError(told["error"])
    if "findings" not in told:
        said = result.stderr.strip().splitlines()[-1:]
        why = said[0] if said and result.returncode > 0 else f"its process ended with {named(result.returncode)}"
        raise StageError(f"drift could not be measured: {why}")
    return [str(message) for message in told["findings"]]


def _measure(given: dict[str, Any]) -> list[str]:
    import tensorflow_data_validation as tfdv
    from tfx.components.statistics_gen import stats_artifact_utils
    from tfx.types import artifact_utils, standard_artifacts
    from tfx.utils import io_utils

    from components.data_gate.distributions import check_distances, skew
    from components.data_gate.serving import load_serving_statistics
    from components.image_example_gen.splitting import TRAIN

    gate = Gate.model_validate(given["gate"])
    statistics = standard_artifacts.ExampleStatistics()
    statistics.uri, statistics.split_names = given["statistics"], artifact_utils.encode_split_names([TRAIN])
    now = stats_artifact_utils.load_statistics(statistics, TRAIN).proto()
    schema = tfdv.load_schema_text(io_utils.get_only_uri_in_dir(given["schema"]))
    comparison = skew(load_serving_statistics(str(gate.serving_statistics)), gate)
    findings = check_distances(comparison, now, schema, given["examples"])
    return [finding.message for finding in findings if finding.feature is not None]


def _main() -> None:
    from pipeline import runtime

    runtime.configure()
    try:
        told: dict[str, Any] = {"findings": _measure(json.load(sys.stdin))}
    except StageError as error:
        told = {"error": str(error)}
    print(json.dumps(told))


if __name__ == "__main__":
    with leaving_promptly():
        _main()
