"""Which model a candidate is compared with."""

from __future__ import annotations

from tfx import types
from tfx.dsl.components.common import resolver

CANDIDATE = "candidate"
MODEL = "model"
BLESSING = "model_blessing"


class NewestBlessedBefore(resolver.ResolverStrategy):
    """Resolves to the newest blessed model that is older than the candidate.

    Older than the candidate, so that a run whose candidate comes from the cache meets the same
    baseline as the run that trained it, and finds its evaluation in the cache too.
    """

    def resolve_artifacts(
        self, store: object, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Keeps at most one artifact in `model` and `model_blessing`.

        Args:
          store: not read.
          input_dict: all `model` and `model_blessing` artifacts of the pipeline, and the `candidate`.
        """
        candidates = [artifact.id for artifact in input_dict[CANDIDATE]]
        blessings = {
            blessing.get_int_custom_property("current_model_id"): blessing
            for blessing in input_dict[BLESSING]
            if blessing.get_int_custom_property("blessed") == 1
        }
        older = [
            model
            for model in input_dict[MODEL]
            if model.id in blessings and all(model.id < candidate for candidate in candidates)
        ]
        resolved = {CANDIDATE: input_dict[CANDIDATE], MODEL: [], BLESSING: []}
        if older:
            newest = max(older, key=lambda model: model.id)
            resolved[MODEL], resolved[BLESSING] = [newest], [blessings[newest.id]]
        return resolved
