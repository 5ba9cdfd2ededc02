"""Names the first examples with a value that a check holds against the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from components.image_example_gen.facts import INDEX, SCHEMA, SOURCE, SPLIT, facts_files, read_facts

_NUM_OFFENDERS = 5


def first_offenders(examples_uri: str, split: str, fact: str, is_allowed: Callable[[Any], bool]) -> str:
    """Looks through the facts for values that are not allowed.

    Args:
      examples_uri: of the examples.
      split: to look at.
      fact: name of the feature; one that is no fact has no offenders.
      is_allowed: tells of a value; texts are bytes.

    Returns:
      Such as ` First: 97 in a.tfrecord, record 7.`; empty where there are none.
    """
    offenders: list[str] = []
    for path in facts_files(examples_uri) if fact in SCHEMA.names else ():
        table = read_facts(path, (SPLIT, SOURCE, INDEX, fact))
        values = table[fact].to_pylist()
        for row in np.flatnonzero(table[SPLIT].to_numpy().astype(str) == split).tolist():
            if not is_allowed(values[row]):
                offenders.append(f"{_shown(values[row])} in {table[SOURCE][row]}, record {table[INDEX][row]}")
                if len(offenders) == _NUM_OFFENDERS:
                    return _sentence(offenders)
    return _sentence(offenders)


def _sentence(offenders: list[str]) -> str:
    return f" First: {'; '.join(offenders)}." if offenders else ""


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return f"{value:.4g}" if isinstance(value, float) else str(value)
