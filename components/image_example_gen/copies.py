"""Images that occur more than once: with other labels, in other splits."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from components.image_example_gen.facts import INDEX, SOURCE, SPLIT
from components.image_example_gen.report import Copies, Copy
from schemas import features

COLUMNS = (SPLIT, SOURCE, INDEX, features.SHA256, features.LABEL)

_NUM_LISTED = 100
_NUM_SHOWN_EACH = 4


def find_copies(table: pa.Table) -> Copies:
    """Groups examples by the digest of their image.

    Args:
      table: of facts, with `COLUMNS`.
    """
    identity = identities(table)
    order = np.argsort(identity, kind="stable")
    ordered = identity[order]
    is_first = np.ones(len(ordered), np.bool_)
    is_first[1:] = ordered[1:] != ordered[:-1]
    starts = np.flatnonzero(is_first)
    sizes = np.diff(starts, append=len(order))
    repeated = sizes > 1
    if not repeated.any():
        return Copies()
    labels, splits = table[features.LABEL].to_numpy(), split_codes(table)
    is_conflicting = _varies(labels[order], starts) & repeated
    is_leaking = _varies(splits[order], starts) & repeated
    groups = [order[start : start + size] for start, size in zip(starts[repeated], sizes[repeated], strict=True)]
    return Copies(
        num_images=int(repeated.sum()),
        num_examples=int(sizes[repeated].sum()),
        num_conflicting=int(is_conflicting.sum()),
        num_leaking=int(is_leaking.sum()),
        repeated=_listed(table, groups, np.ones(len(groups), np.bool_), splits),
        conflicting=_listed(table, groups, is_conflicting[repeated], labels),
        leaking=_listed(table, groups, is_leaking[repeated], splits),
    )


def identities(table: pa.Table) -> NDArray[np.uint64]:
    """The first 64 bits of each image's digest, uint64 [rows]: enough to tell billions of images apart."""
    return digests(table)[:, :8].copy().view(">u8").ravel().astype(np.uint64)


def digests(table: pa.Table) -> NDArray[np.uint8]:
    """The digests, uint8 [rows, 32]."""
    column = table[features.SHA256].combine_chunks()
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = [
        np.frombuffer(chunk.buffers()[1], np.uint8)[chunk.offset * 32 :][: len(chunk) * 32].reshape(-1, 32)
        for chunk in chunks
        if len(chunk)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, 32), np.uint8)


def split_codes(table: pa.Table) -> NDArray[np.int64]:
    """A number for each row's split, int64 [rows]; which number means which split varies from table to table."""
    return np.unique(table[SPLIT].to_numpy().astype(str), return_inverse=True)[1]


def _varies(values: NDArray, starts: NDArray) -> NDArray[np.bool_]:
    lowest, highest = (reduce.reduceat(values, starts) for reduce in (np.minimum, np.maximum))
    return np.asarray(lowest != highest)


def _listed(table: pa.Table, groups: list[NDArray], is_meant: NDArray[np.bool_], values: NDArray) -> list[list[Copy]]:
    """The first of the groups that are meant, and of each some copies, among them such as differ in `values`."""
    meant = [rows for rows, is_so in zip(groups, is_meant, strict=True) if is_so]
    first = sorted(meant, key=lambda rows: int(rows[0]))[:_NUM_LISTED]
    return [[_copy(table, int(row)) for row in _shown(rows, values[rows])] for rows in first]


def _shown(rows: NDArray, values: NDArray) -> NDArray:
    distinct = np.unique(values, return_index=True)[1]
    others = np.setdiff1d(np.arange(len(rows)), distinct)
    return rows[np.sort(np.concatenate([np.sort(distinct), others])[:_NUM_SHOWN_EACH])]


def _copy(table: pa.Table, row: int) -> Copy:
    source, index, split, label = (table[name][row].as_py() for name in (SOURCE, INDEX, SPLIT, features.LABEL))
    return Copy(source, index, split, label)
