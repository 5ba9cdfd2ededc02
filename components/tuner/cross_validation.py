"""k-fold cross-validation: how far accuracy depends on which examples are held out."""

from __future__ import annotations

import logging
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import TrainingError
from components.training.request import TrainingRequest
from components.tuner.folds import Fold, write_folds
from components.tuner.outcome import Outcome
from components.tuner.table import Row, row_of
from components.tuner.trainings import Trainings
from schemas.tuning import CrossValidation

PART = "cross_validation"
_FIGURES = {"accuracy": "val_accuracy", "f1": "val_f1"}
_PROGRESS = logging.getLogger("darkroom.progress")


@dataclass(frozen=True)
class CrossValidated:
    """What became of each fold."""

    outcomes: list[Outcome]

    @property
    def rows(self) -> list[Row]:
        """A row for each fold."""
        return [row_of(PART, str(number), {}, outcome) for number, outcome in enumerate(self.outcomes)]

    def to_json(self) -> dict[str, Any]:
        """`folds` and `failed`, their numbers; of `accuracy` and `f1` the `mean` and the sample `deviation`.

        They are of each fold's best epoch, chosen by the examples held out, as an early stopping chooses it.
        """
        completed = [outcome.figures for outcome in self.outcomes if outcome.is_complete]
        spread = {}
        for name, figure in _FIGURES.items():
            values = [figures[figure] for figures in completed]
            deviation = statistics.stdev(values) if len(values) > 1 else None
            spread[name] = {"mean": statistics.mean(values), "deviation": deviation}
        return {"folds": len(self.outcomes), "failed": len(self.outcomes) - len(completed), **spread}


def cross_validate(
    rules: CrossValidation, base: TrainingRequest, trainings: Trainings, directory: Path
) -> CrossValidated:
    """Trains once for each fold, on all the others.

    The pixels are normalised as for the training itself, by its own split's mean and deviation.

    Args:
      rules: the experiment's section.
      base: the training of the experiment, whose train and eval splits are dealt out together.
      trainings: carry the trainings out.
      directory: where folds and checkpoints are kept.

    Raises:
      DataError: there are fewer images than folds.
      TrainingError: the training of every fold failed.
    """
    files = (*base.train_files, *base.eval_files)
    folds = write_folds(files, rules.folds, base.num_classes, base.training.seed, directory / "folds")
    requests = [_request(rules, base, folds, number, directory) for number in range(len(folds))]

    def tell(number: int, outcome: Outcome) -> None:
        figures = outcome.figures
        result = (
            f"val_accuracy {figures['val_accuracy']:.4f}, val_f1 {figures['val_f1']:.4f} ({outcome.seconds:.1f} s)"
            if outcome.is_complete
            else f"failed: {outcome.reason}"
        )
        _PROGRESS.info(f"fold {number + 1}/{len(folds)}: {result}")

    outcomes = trainings.run_all(requests, tell)
    if not any(outcome.is_complete for outcome in outcomes):
        raise TrainingError(f"the training of every fold failed, the first one so: {outcomes[0].reason}")
    return CrossValidated(outcomes)


def _request(
    rules: CrossValidation, base: TrainingRequest, folds: list[Fold], held_out: int, directory: Path
) -> TrainingRequest:
    others = [fold for number, fold in enumerate(folds) if number != held_out]
    counts = tuple(sum(each) for each in zip(*(fold.class_counts for fold in others), strict=True))
    training = base.training.model_copy(update={"epochs": rules.epochs} if rules.epochs else {})
    return base.model_copy(
        update={
            "train_files": tuple(fold.file for fold in others),
            "eval_files": (folds[held_out].file,),
            "num_train": sum(counts),
            "num_eval": folds[held_out].num_examples,
            "class_counts": counts,
            "training": training,
            "checkpoint_directory": str(directory / f"fold-{held_out}"),
            "label": f"fold {held_out + 1}",
        }
    )
