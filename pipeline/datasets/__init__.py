"""The embedded data sets: real images that need no data of one's own.

To add one: a module beside this one with `read() -> Iterable[LabeledImages]`, a line in the table,
and the name in `schemas.experiment.Data.dataset`.
"""

from __future__ import annotations

# Names of modules, not modules: what reads a data set is imported when that data set is prepared.
DATASETS = {
    "digits": "pipeline.datasets.digits",
    "fashion_mnist": "pipeline.datasets.fashion_mnist",
}
