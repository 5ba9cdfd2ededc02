"""The images of a split: where each is, and what ingestion found out about it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from components.evaluator.predictions import ROW, SHARD
from components.image_example_gen.facts import INDEX, SCHEMA, SOURCE, SPLIT, facts_files, read_facts
from components.image_example_gen.shards import shard_path


def images_of(examples_uri: str, split: str, columns: Iterable[str]) -> tuple[list[str], pa.Table]:
    """Looks them up in the facts.

    Args:
      examples_uri: output of ImageExampleGen.
      split: to look at.
      columns: facts wanted.

    Returns:
      The files of the examples, and a row for each example in their order, with its place and the columns.
    """
    wanted = list(dict.fromkeys((SPLIT, SOURCE, INDEX, *columns)))
    files, tables = [], []
    for path in facts_files(examples_uri):
        name = posixpath.splitext(posixpath.basename(path))[0]
        facts = read_facts(path, wanted).select(wanted)
        rows = facts.filter(pc.equal(facts[SPLIT], split))
        if rows.num_rows:
            files.append(shard_path(examples_uri, split, name))
            placed = rows.append_column(SHARD, pa.array([name] * rows.num_rows, pa.string()))
            tables.append(placed.append_column(ROW, pa.array(range(rows.num_rows), pa.int64())))
    empty = SCHEMA.empty_table().select(wanted)
    empty = empty.append_column(SHARD, pa.array([], pa.string())).append_column(ROW, pa.array([], pa.int64()))
    return files, pa.concat_tables([empty, *tables])
