"""What Kubeflow Pipelines shows of a run on its own pages: the report, metrics, a confusion matrix."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

from pipeline.record import RunRecord
from pipeline.report.material import Material

_MOST_CLASSES = 50


def show(material: Material, page: Path, executor_input: str) -> None:
    """Writes the declared outputs of the report's task.

    Metadata of artifacts go through the file that the launcher reads after the task's end
    (backend/src/v2/component/launcher_v2.go of Kubeflow Pipelines).

    Args:
      material: of the run, after its end.
      page: where the launcher expects the report.
      executor_input: what the launcher was given, as JSON.
    """
    record = material.record
    page.parent.mkdir(parents=True, exist_ok=True)
    if record.report:
        shutil.copyfile(record.report, page)
    else:
        page.write_text(f"<!DOCTYPE html><title>No report</title><p>{'; '.join(record.warnings)}</p>", "utf-8")
    outputs = json.loads(executor_input)["outputs"]
    shown = {"metrics": _metrics(record), "confusion_matrix": _confusion_matrix(material)}
    artifacts = {
        name: {"artifacts": [{**declared["artifacts"][0], "metadata": shown.get(name, {})}]}
        for name, declared in outputs.get("artifacts", {}).items()
    }
    file = Path(outputs["outputFile"])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"artifacts": artifacts}), "utf-8")


def _metrics(record: RunRecord) -> dict[str, Any]:
    numbers = {name: value for name, value in record.metrics.items() if math.isfinite(value)}
    version = {"pushed_version": str(record.pushed_version)} if record.pushed_version else {}
    return {"status": record.status, **version, **numbers}


def _confusion_matrix(material: Material) -> dict[str, Any]:
    """Rows are the true classes; empty where no model was evaluated, or for more classes than a page can show."""
    from components.evaluator.metrics import confusion_matrix
    from components.evaluator.predictions import LABEL, PREDICTED

    predictions, labels = material.predictions, material.labels
    if predictions is None or not labels or len(labels) > _MOST_CLASSES:
        return {}
    true, predicted = (predictions.column(name).to_numpy() for name in (LABEL, PREDICTED))
    rows = confusion_matrix(true, predicted, len(labels)).tolist()
    return {
        "confusionMatrix": {
            "annotationSpecs": [{"displayName": label} for label in labels],
            "rows": [{"row": [float(number) for number in row]} for row in rows],
        }
    }
