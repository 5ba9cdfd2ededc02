from __future__ import annotations

from pipeline.report.content import Figure, Text, Values
from pipeline.report.sections.curves import curves, diagnostics
from tests.pipeline.report.materials import a_material, a_record, texts_of

TRAINING = {
    "epochs": 3,
    "best_epoch": 2,
    "stopped_by": "early_stopping",
    "initial_weights": "random",
    "resumed_from_epoch": 1,
    "seconds": 4.2,
}
HISTORY = {
    "loss": [1.0, 0.1, 0.01],
    "val_loss": [0.9, 0.2, 0.3],
    "accuracy": [0.5, 0.8, 0.9],
    "val_accuracy": [0.4, 0.75, 0.7],
    "learning_rate": [0.01, 0.01, 0.001],
}


def test_the_best_epoch_is_marked() -> None:
    """In the drawings of loss and accuracy, with the figure that it had on the eval split, and in words."""
    section = curves(a_material(a_record(training=TRAINING), history=HISTORY))
    assert section is not None
    values, loss, accuracy, rate = section.blocks
    assert isinstance(values, Values)
    assert ("best epoch", "2") in values.pairs
    assert ("resumed after epoch", "1") in values.pairs
    assert isinstance(loss, Figure)
    assert isinstance(accuracy, Figure)
    assert isinstance(rate, Figure)
    assert "best epoch 2: 0.2000" in loss.svg
    assert "best epoch 2: 0.7500" in accuracy.svg
    assert "from 0.9000 to 0.3000 on the eval split; in the best epoch, 2, it was 0.2000 there." in loss.description
    assert rate.description == "The learning rate went from 0.01 to 0.001, at most 0.01."


def test_one_epoch_at_one_rate() -> None:
    """A single point is drawn too, and a rate that never changes is not."""
    history = {name: values[:1] for name, values in HISTORY.items()}
    section = curves(a_material(a_record(training={**TRAINING, "epochs": 1, "best_epoch": 1}), history=history))
    assert section is not None
    assert [block.title for block in section.blocks if isinstance(block, Figure)] == ["Loss", "Accuracy"]


def test_a_loss_that_is_no_number_is_drawn_around() -> None:
    """The other epochs are still shown."""
    history = {**HISTORY, "loss": [1.0, float("nan"), float("inf")]}
    assert curves(a_material(a_record(training=TRAINING), history=history)) is not None


def test_signs_are_told_with_what_to_try() -> None:
    """Each with its gravity; a training without any says so; a run without a training says nothing."""
    sign = {"kind": "problem", "message": "val_loss rises", "advice": "raise model.dropout"}
    section = diagnostics(a_material(a_record(training=TRAINING, diagnostics=[sign])))
    assert section is not None
    assert section.blocks == [Text("raise model.dropout", "problem", "Val_loss rises")]
    without = diagnostics(a_material(a_record(training=TRAINING)))
    assert texts_of(without) == ["The curves show neither a problem nor anything remarkable."]
    assert diagnostics(a_material(a_record())) is None
