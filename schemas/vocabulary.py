"""What an experiment may say at each place, read from the JSON Schema of its types."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from schemas.experiment import Experiment

JsonSchema: TypeAlias = dict[str, Any]
Path: TypeAlias = tuple[str | int, ...]

_ONLY = ", the only choice"
_FORMATS = {"path": "a path", "pattern": "a pattern of files"}


class Vocabulary:
    """Looks up keys, choices and descriptions.

    A place in an experiment allows a list of alternatives (a number or a text, a mapping or null);
    each is a JSON Schema without references.
    """

    def __init__(self, schema: JsonSchema) -> None:
        self._definitions: dict[str, JsonSchema] = schema.get("$defs", {})
        self.root = self._alternatives(schema)

    def under(self, alternatives: Sequence[JsonSchema], key: str | int) -> list[JsonSchema]:
        """What a key of a mapping, or a position in a list, allows; nothing where it is unknown."""
        found: list[JsonSchema] = []
        for schema in alternatives:
            if isinstance(key, int):
                inner = schema.get("items")
            elif key in schema.get("propertyNames", {}).get("enum", [key]):
                inner = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
            else:
                inner = None
            found += self._alternatives(inner) if isinstance(inner, dict) else []
        return found

    def locate(
        self, location: Sequence[str | int], is_stated: Callable[[Path], bool] = lambda path: True
    ) -> tuple[Path, list[JsonSchema]]:
        """The place that pydantic's location means, and what is allowed there.

        The names of union members, which pydantic mixes into a location, are left out of the path.

        Args:
            location: keys and positions.
            is_stated: whether the experiment has something at a path; it tells the key of a mapping that
                takes any from the name of a union's member.
        """
        path: Path = ()
        alternatives = self.root
        for key in location:
            inner = self.under(alternatives, key)
            if inner and (key in known_keys(alternatives) or is_stated((*path, key))):
                path, alternatives = (*path, key), inner
        return path, alternatives

    def homes(self, key: str, alternatives: Sequence[JsonSchema] | None = None, path: Path = ()) -> Iterator[Path]:
        """Every place in the experiment that knows the key."""
        for schema in self.root if alternatives is None else alternatives:
            for name, inner in schema.get("properties", {}).items():
                if name == key:
                    yield (*path, name)
                yield from self.homes(key, self._alternatives(inner), (*path, name))

    def _alternatives(self, schema: JsonSchema) -> list[JsonSchema]:
        if reference := schema.get("$ref"):
            target = self._definitions[reference.rpartition("/")[2]]
            return self._alternatives({**target, **{key: value for key, value in schema.items() if key != "$ref"}})
        members = schema.get("anyOf") or schema.get("oneOf")
        if not members:
            return [schema]
        described = {"description": schema["description"]} if "description" in schema else {}
        return [inner for member in members for inner in self._alternatives({**member, **described})]


@functools.cache
def experiment_vocabulary() -> Vocabulary:
    """The vocabulary of `Experiment`."""
    return Vocabulary(Experiment.model_json_schema())


def known_keys(alternatives: Sequence[JsonSchema]) -> list[str]:
    """The keys that a mapping may have, sorted; empty where any is allowed, or no mapping."""
    keys: set[str] = set()
    for schema in alternatives:
        keys.update(schema.get("properties", {}), schema.get("propertyNames", {}).get("enum", ()))
    return sorted(keys)


def choices(alternatives: Sequence[JsonSchema]) -> list[Any]:
    """The values that are allowed literally."""
    literals: list[Any] = []
    for schema in alternatives:
        literals += schema.get("enum", [schema["const"]] if "const" in schema else [])
    return literals


def description(alternatives: Sequence[JsonSchema]) -> str:
    """What the key means, in one line; empty where nothing is said."""
    return " ".join(next((schema["description"] for schema in alternatives if "description" in schema), "").split())


def allowed_types(alternatives: Sequence[JsonSchema]) -> set[str]:
    """JSON Schema's names of the allowed types: string, integer, number, boolean, null, array, object."""
    return {schema["type"] for schema in alternatives if "type" in schema}


def expected(alternatives: Sequence[JsonSchema]) -> str:
    """What is allowed, in words: `a whole number, at least 1`."""
    words = [_expected_of(schema).removesuffix("" if len(alternatives) == 1 else _ONLY) for schema in alternatives]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])}, or {words[-1]}"


def _expected_of(schema: JsonSchema) -> str:
    if values := choices([schema]):
        return f"one of {', '.join(map(repr, values))}" if len(values) > 1 else f"{values[0]!r}{_ONLY}"
    kind = schema.get("type")
    if kind == "string":
        text = _FORMATS.get(schema.get("format", ""), "a text")
        if "pattern" in schema:
            return f"{text} that matches {schema['pattern']}"
        return f"{text} of at least one character" if schema.get("minLength") == 1 and text == "a text" else text
    if kind in ("integer", "number"):
        return ("a whole number" if kind == "integer" else "a number") + _limits(schema)
    if kind == "array":
        least = schema.get("minItems", 0)
        items = schema["items"].get("anyOf", [schema["items"]])
        return "a list" + (f" of at least {least}" if least else "") + f", each item {expected(items)}"
    if kind == "object":
        if not (known := known_keys([schema])):
            return "a mapping" + (" with at least one key" if schema.get("minProperties") else "")
        least = "at least one of the keys" if schema.get("minProperties") else "keys from"
        return f"a mapping with {least} {', '.join(known)}"
    return {"boolean": "true or false", "null": "null"}.get(str(kind), "something else")


def _limits(schema: JsonSchema) -> str:
    words = {
        "exclusiveMinimum": "above",
        "minimum": "at least",
        "exclusiveMaximum": "below",
        "maximum": "at most",
    }
    limits = " and ".join(f"{word} {schema[key]}" for key, word in words.items() if key in schema)
    return f" of {limits}" if limits.startswith("at") else f" {limits}".rstrip()
