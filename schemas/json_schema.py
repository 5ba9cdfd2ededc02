"""Writes the JSON Schema of the experiment file, by which editors complete and explain its keys.

python -m schemas.json_schema
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from schemas.experiment import Experiment

JSON_SCHEMA_FILE = Path(__file__).resolve().parent / "experiment.schema.json"


def experiment_json_schema() -> dict[str, Any]:
    """The JSON Schema of a file: an experiment, or what differs from the one that it extends."""
    schema = Experiment.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    for section in schema["$defs"].values():
        # A file that extends another states any part of a section; what is missing then, the loader says.
        section.pop("required", None)
    schema["anyOf"] = [{"required": schema.pop("required")}, {"required": ["extends"]}]
    schema["properties"]["extends"] = {
        "description": "Another experiment, by its name or by its path from here; this file states what differs.",
        "minLength": 1,
        "type": "string",
    }
    untitled: dict[str, Any] = _without_titles(schema)
    return {**untitled, "title": "Darkroom experiment"}


def experiment_json_schema_text() -> str:
    """The same as the text of a file, keys in alphabetical order."""
    return json.dumps(experiment_json_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _without_titles(schema: Any) -> Any:
    """Leaves out pydantic's titles, which only repeat the keys."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_titles(value) for key, value in schema.items() if key != "title" or not isinstance(value, str)
    }


def main() -> None:
    """Writes the file and says so."""
    JSON_SCHEMA_FILE.write_text(experiment_json_schema_text(), encoding="utf-8")
    print(f"wrote {JSON_SCHEMA_FILE}")


if __name__ == "__main__":
    main()
