"""How many examples some files of a source hold, without a look at any image."""

from __future__ import annotations

import contextlib
import itertools
import posixpath
from collections.abc import Iterable

from components.image_example_gen.image_folder import LITTER
from components.image_example_gen.manifest_rows import read_rows
from components.image_example_gen.source import SourceFile, is_no_file, open_as_it_is
from components.image_example_gen.tfrecord import read_records
from schemas.data import Data


def num_records(path: str, limit: int) -> int:
    """Records of a TFRecord file, at most so many; none of one that cannot be read, which is refused later."""
    if is_no_file(path):
        return 0
    with contextlib.suppress(OSError), open_as_it_is(path) as stored:
        return sum(1 for _ in itertools.islice(read_records(stored), limit))
    return 0


def num_examples(files: Iterable[SourceFile], data: Data, limit: int) -> int:
    """Examples of some files, counted no further than to a limit; those that cannot be used count, too.

    Args:
      files: of the source.
      data: the experiment's section.
      limit: where counting ends.

    Raises:
      DataError: a manifest cannot be read.
    """
    count = 0
    for file in files:
        if count >= limit:
            break
        if data.format == "tfrecord":
            count += num_records(file.path, limit - count)
        elif data.format == "manifest":
            count += sum(1 for _ in read_rows(file, data.columns))
        else:
            count += posixpath.basename(file.name).lower() not in LITTER
    return min(count, limit)
