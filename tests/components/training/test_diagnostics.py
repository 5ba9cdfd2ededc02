from __future__ import annotations

import json
import re

import numpy as np
import pytest

from components.training import diagnostics
from components.training.diagnostics import SIGNS, Sign, diagnose
from components.training.finding import KINDS, Finding
from components.training.history import History
from schemas.vocabulary import experiment_vocabulary
from tests.components.training.made_curves import history
from tests.components.training.recorded import RECORDED

# What the table of signs says of each training that was recorded: sign, kind and epoch.
SAID: dict[str, list[tuple[str, str, int | None]]] = {
    "overfitting": [("overfitting", "problem", 4), ("big_drop", "good", 3)],
    "healthy": [("parallel", "good", None), ("big_drop", "good", 3)],
    "rate_10": [("diverging", "problem", 1)],
    "sgd_rate_1": [("not_a_number", "problem", 1)],
    "rate_0_1": [("diverging", "problem", 1)],
    "rate_1e_6": [("slow_start", "warning", 3), ("parallel", "good", None)],
    "sgd_rate_1e_4": [("slow_start", "warning", 3), ("parallel", "good", None)],
    "small_batches": [("bouncing", "warning", None)],
    "tiny_batches": [("overfitting", "problem", 4), ("big_drop", "good", 3)],
    "sgd_rate_0_5": [("overfitting", "warning", 8), ("big_drop", "good", 3)],
    "heavy_dropout": [("underfitting", "problem", None)],
    "heavy_penalty": [("underfitting", "warning", None), ("big_drop", "good", 3)],
    "tiny_network": [("underfitting", "problem", None), ("slow_start", "warning", 3)],
    "dropout": [("overfitting", "warning", 14), ("big_drop", "good", 3)],
    "noisy_labels": [],
    "large_batches": [("parallel", "good", None), ("big_drop", "good", 3)],
    "small_network": [("parallel", "good", None), ("big_drop", "good", 3)],
    "healthy_longer": [("big_drop", "good", 3)],
    "sgd_rate_0_01": [("parallel", "good", None), ("big_drop", "good", 3)],
    "decayed_rate": [("plateau", "warning", 11), ("big_drop", "good", 3)],
}

# Signs that say the opposite of each other.
CONTRADICTIONS = [
    ("parallel", "overfitting"),
    ("parallel", "underfitting"),
    ("parallel", "plateau"),
    ("parallel", "bouncing"),
    ("parallel", "diverging"),
    ("big_drop", "slow_start"),
    ("big_drop", "diverging"),
    ("big_drop", "bouncing"),
    ("overfitting", "underfitting"),
    ("overfitting", "diverging"),
    ("slow_start", "diverging"),
]


def says(told: History) -> dict[str, Finding]:
    return {finding.sign: finding for finding in diagnose(told)}


@pytest.mark.parametrize("name", RECORDED)
def test_real_trainings(name: str) -> None:
    """Curves that Keras has drawn on Fashion-MNIST are read as a person reads them."""
    found = diagnose(RECORDED[name])
    assert [(finding.sign, finding.kind, finding.epoch) for finding in found] == SAID[name]


def test_every_sign_has_been_seen() -> None:
    """The nine signs of the handbook are in the table, and each occurs in a real training here."""
    assert len(SIGNS) == 9
    assert {sign for said in SAID.values() for sign, _, _ in said} == SIGNS.keys()


def random_history(seed: int) -> History:
    """Curves as of no training: walks of any length, step and level."""
    random = np.random.default_rng(seed)
    num_epochs = int(random.integers(1, 25))
    step = float(random.choice([0.01, 0.1, 0.5]))
    losses = np.exp(np.cumsum(random.normal(random.normal(0, 0.1), step, (2, num_epochs)), axis=1))
    steps = np.cumsum(random.normal(0, 0.02, (2, num_epochs)), axis=1)
    accuracies = np.clip(random.uniform(0, 1, (2, 1)) + steps, 0, 1)
    return history(losses[0], accuracies[0], losses[1], accuracies[1])


def test_findings_never_contradict_each_other() -> None:
    """Whatever the curves, no two signs that exclude each other are told, and the worst come first."""
    told: set[str] = set()
    for seed in range(1500):
        found = diagnose(random_history(seed))
        signs = [finding.sign for finding in found]
        told |= set(signs)
        assert not [pair for pair in CONTRADICTIONS if set(pair) <= set(signs)], seed
        order = [KINDS.index(finding.kind) for finding in found]
        assert order == sorted(order)
    # Each of them would have had its chance.
    assert told >= {sign for pair in CONTRADICTIONS for sign in pair}


def test_histories_stay_as_they_are() -> None:
    """Signs only look."""
    before = json.dumps(RECORDED["overfitting"])
    diagnose(RECORDED["overfitting"])
    assert json.dumps(RECORDED["overfitting"]) == before


@pytest.mark.parametrize("name", RECORDED)
def test_findings_as_json_and_back(name: str) -> None:
    """What is written is strict JSON, and reads back equal."""
    for finding in diagnose(RECORDED[name]):
        text = json.dumps(finding.to_json(), allow_nan=False)
        assert Finding.from_json(json.loads(text)) == finding
        assert {type(value) for value in finding.figures.values()} <= {float}


def test_advice_names_keys_of_the_experiment() -> None:
    """Every dotted name in any advice is a key that the experiment file knows."""
    found = [finding for seed in range(300) for finding in diagnose(random_history(seed))]
    found += [finding for told in RECORDED.values() for finding in diagnose(told)]
    named = {key for each in found for key in re.findall(r"\b[a-z_]+(?:\.[a-z0-9_]+)+", each.advice)}
    assert {"training.learning_rate", "model.dropout", "training.epochs"} <= named
    for key in named:
        assert experiment_vocabulary().locate(key.split("."))[0] == tuple(key.split(".")), key


def test_messages_and_advice_are_sentences_without_a_stop() -> None:
    """Each is one line that a person reads on a terminal."""
    for told in RECORDED.values():
        for finding in diagnose(told):
            for text in (finding.message, finding.advice):
                assert text
                assert "\n" not in text
                assert not text.endswith(".")


def test_a_tenth_sign_is_a_function_and_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is put into the table is asked like the others, and silences those that it names."""

    def perfect(history: History) -> Finding | None:
        is_perfect = history["accuracy"][-1:] == [1.0]
        return Finding("perfect", "good", None, {}, "all is right", "beware of leaks") if is_perfect else None

    monkeypatch.setattr(diagnostics, "SIGNS", {"perfect": Sign(perfect, ("big_drop",)), **SIGNS})
    loss = [1.0, 0.5, 0.0]
    assert says(history(loss, [0.5, 0.8, 1.0])).keys() == {"perfect"}
    assert says(history(loss, [0.5, 0.8, 0.9])).keys() == {"big_drop"}
