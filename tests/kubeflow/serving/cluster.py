"""What a cluster would say of manifests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_SCHEMAS = Path(__file__).parent.parent / "schemas"
_FREE = {"labels", "limits", "matchLabels", "requests"}


def problems(manifest: dict[str, Any]) -> list[str]:
    """What the schema of its kind refuses, as `place: message`."""
    jsonschema = pytest.importorskip("jsonschema")
    kind = manifest["kind"]
    if kind == "InferenceService":
        schema = json.loads((_SCHEMAS / "kserve.json").read_text())
    else:
        schema = {**json.loads((_SCHEMAS / "kubernetes.json").read_text()), "$ref": f"#/$defs/{kind}"}
    jsonschema.Draft202012Validator.check_schema(schema)
    errors = jsonschema.Draft202012Validator(schema).iter_errors(manifest)
    return [f"{error.json_path.removeprefix('$.')}: {error.message}" for error in errors]


def flags() -> set[str]:
    """The flags that the model server knows, without their dashes."""
    return set((_SCHEMAS / "model_server_flags.txt").read_text().split())


def objects(value: Any, closed: bool = False) -> Iterator[dict[str, Any]]:
    """Every mapping within a manifest, itself among them; if `closed`, none whose keys are free."""
    if isinstance(value, dict):
        yield value
        for key, item in value.items():
            if not (closed and (key in _FREE or (key == "selector" and value.get("type") == "ClusterIP"))):
                yield from objects(item, closed)
    elif isinstance(value, list):
        for item in value:
            yield from objects(item, closed)
