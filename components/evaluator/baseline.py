"""Which model a candidate is compared with."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.common import resolver

from components.lineage import BLESSED, MODEL_ID

CANDIDATE = "candidate"
MODEL = "model"
BLESSING = "model_blessing"


class LastBlessedOther(resolver.ResolverStrategy):
    """Resolves to the model that was blessed last, the candidate itself left out.

    A judgement from the cache adds no blessing, so a run with nothing new meets the same baseline as
    the run before it, and finds its evaluation in the cache too.
    """

    def resolve_artifacts(
        self, store: object, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Keeps at most one artifact in `model` and `model_blessing`.

        Args:
          store: not read.
          input_dict: all `model` and `model_blessing` artifacts of the pipeline, and the `candidate`.
        """
        candidates = {artifact.id for artifact in input_dict[CANDIDATE]}
        models = {model.id: model for model in input_dict[MODEL] if model.id not in candidates}
        blessings = [
            blessing
            for blessing in input_dict[BLESSING]
            if blessing.get_int_custom_property(BLESSED) == 1 and blessing.get_int_custom_property(MODEL_ID) in models
        ]
        resolved = {CANDIDATE: input_dict[CANDIDATE], MODEL: [], BLESSING: []}
        if blessings:
            last = max(blessings, key=lambda blessing: blessing.id)
            resolved[MODEL] = [models[last.get_int_custom_property(MODEL_ID)]]
            resolved[BLESSING] = [last]
        return resolved
