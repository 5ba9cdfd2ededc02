"""Models that were good enough to be pushed, as resolvers find them."""

from __future__ import annotations

from collections.abc import Iterable

from tfx import types

from components.lineage import BLESSED, MODEL_ID


def blessed_models(
    models: Iterable[types.Artifact], blessings: Iterable[types.Artifact]
) -> list[tuple[types.Artifact, types.Artifact]]:
    """Those that are there and were blessed, each with its blessing; the one that was blessed last is the first.

    Args:
      models: all of a pipeline.
      blessings: all that was said of them, good or bad.
    """
    known = {model.id: model for model in models}
    good = [blessing for blessing in blessings if blessing.get_int_custom_property(BLESSED) == 1]
    good.sort(key=lambda blessing: blessing.id, reverse=True)
    stated = [(blessing.get_int_custom_property(MODEL_ID), blessing) for blessing in good]
    return [(known[model], blessing) for model, blessing in stated if model in known]
