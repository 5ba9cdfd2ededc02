"""The signs in a training's curves: each a function over the history, by the handbook's list.

Source: "Learning Keras, Handbook 3" (2019). Limits are shares of the curves' own values and trends are fitted over
several epochs, so that neither the number of classes nor one odd epoch decides. Where a history is too short to tell,
or lacks a curve, a sign keeps silent.
"""

from __future__ import annotations

import math

import numpy as np

from components.training.curves import Curves, change, relative_change
from components.training.finding import Finding, Kind
from components.training.history import History

# Epochs that a sign needs to see.
_EARLY = 3
_FEW = 4
_SEVERAL = 5

_BIG_DROP = 0.2
_SMALL_DROP = 0.1
_LEAST_GUESS = 0.6  # A loss below this beats guessing between two classes, which costs ln 2: something is learned.
_RISEN = 1.5  # Times the first loss.
_FAR_ABOVE_A_GUESS = 3.0

# Changes over the last epochs, as shares of the level.
_FLAT = 0.01
_FALLS = 0.02
_RISES = 0.03
_FOLLOWS = 0.25  # Fall of val_loss, as a share of that of the loss.

_LOW_ACCURACY = 0.8
_VERY_LOW_ACCURACY = 0.5
_HIGH_ACCURACY = 0.9
_NEARLY_PERFECT = 0.98
_GAP = 0.2  # Between accuracy and val_accuracy.

# Of val_loss to its best.
_EQUALLY_GOOD = 1.01
_SLIGHT_RISE = 1.03
_STRONG_RISE = 1.25
_LEARNS_ON = 0.9  # Of the loss in the end to that at the best val_loss.
_AHEAD = 0.95  # Of the loss to val_loss.

_JUMP = 0.03  # Step of the loss from epoch to epoch, as a share of its median.
_SHARE_OF_TURNS = 0.25
_SPENT_RATE = 0.05  # Of the learning rate in the end to its greatest.


def not_a_number(history: History) -> Finding | None:
    """The loss is no finite number."""
    for epoch in range(1, len(history.get("loss", ())) + 1):
        for name in ("loss", "val_loss"):
            value = history[name][epoch - 1] if len(history.get(name, ())) >= epoch else 0.0
            if not math.isfinite(value):
                before = {f"last_{name}": history[name][epoch - 2]} if epoch > 1 else {}
                return _found(
                    "not_a_number",
                    "problem",
                    epoch,
                    f"the {name} is {value} in epoch {epoch}: the weights have grown beyond all numbers",
                    "lower training.learning_rate, set training.clip_norm: 1, and see that preprocessing.normalization"
                    " is not 'none' for a backbone that does not scale its input",
                    **before,
                )
    return None


def diverging(history: History) -> Finding | None:
    """The loss rises far above its first value, or the first epoch has ruined the network for all that follow."""
    curves = Curves.of(history, 2, validated=False)
    if curves is None:
        return None
    first, last, accuracy = curves.loss[0], curves.loss[-1], float(np.max(curves.accuracy))
    advice = (
        "lower training.learning_rate, by ten at first; training.schedule.warm_up_epochs and training.clip_norm help"
    )
    if last > _RISEN * first:
        epoch = int(np.argmax(curves.loss > _RISEN * first)) + 1
        message = (
            f"the loss rose from {first:.4g} to {last:.4g}; from epoch {epoch} it is above {_RISEN:g} times the first"
        )
        figures = {"first_loss": first, "last_loss": last, "ratio": last / first}
        return _found("diverging", "problem", epoch, message, advice, **figures)
    # What it costs at least to guess by the shares of the classes.
    guess = -math.log(max(accuracy, 1e-6))
    is_ruined = first > _RISEN * max(guess, _LEAST_GUESS) and guess < last < (1 - _BIG_DROP) * first
    is_far_off = last > _FAR_ABOVE_A_GUESS * max(guess, 1.0)
    if _learns(curves.accuracy[0], accuracy) or not (is_ruined or is_far_off):
        return None
    message = (
        f"the loss was {first:.4g} in the first epoch, where guessing costs {guess:.2g}, and accuracy never rose above"
        f" {accuracy:.3g}: the first steps have ruined the network"
    )
    return _found("diverging", "problem", 1, message, advice, first_loss=first, last_loss=last, guess=guess)


def slow_start(history: History) -> Finding | None:
    """Hardly any drop of the loss by the third epoch."""
    curves = Curves.of(history, _EARLY, validated=False)
    if curves is None or _is_warming_up(history):
        return None
    first, third, accuracy = curves.loss[0], curves.loss[_EARLY - 1], curves.accuracy[_EARLY - 1]
    has_started = third < _LEAST_GUESS or accuracy >= _LOW_ACCURACY
    if has_started or abs(_drop(first, third)) >= _SMALL_DROP:
        return None
    return _found(
        "slow_start",
        "warning",
        _EARLY,
        f"the loss went only from {first:.4g} to {third:.4g} by the third epoch, a drop of {_drop(first, third):.1%}",
        "raise training.learning_rate, by ten at first, or let tuning.sweep choose it",
        first_loss=first,
        third_loss=third,
        drop=_drop(first, third),
        accuracy=accuracy,
    )


def bouncing(history: History) -> Finding | None:
    """The loss jumps up and down from epoch to epoch."""
    curves = Curves.of(history, _SEVERAL, validated=False)
    if curves is None or curves.accuracy[-1] > _NEARLY_PERFECT:
        return None
    # From the second epoch on: the first drop is no jump.
    steps = np.diff(curves.loss[1:]) / np.median(curves.loss[1:])
    marked = np.abs(steps) > _JUMP
    turns = int(np.sum(marked[1:] & marked[:-1] & (steps[1:] * steps[:-1] < 0)))
    if turns < max(2, _SHARE_OF_TURNS * (curves.num_epochs - 2)):
        return None
    largest = float(np.max(steps))
    return _found(
        "bouncing",
        "warning",
        None,
        f"the loss turned between rising and falling {turns} times in {curves.num_epochs} epochs, and rose by up to"
        f" {largest:.0%}",
        "lower training.learning_rate, raise training.batch_size, or let the rate fall by training.schedule",
        turns=turns,
        largest_rise=largest,
        loss=curves.loss[-1],
    )


def overfitting(history: History) -> Finding | None:
    """Validation is flat or gets worse while training goes on getting better."""
    curves = Curves.of(history, _FEW)
    if curves is None:
        return None
    # The first of the epochs that are as good as the best: on a flat curve the least of all is an accident.
    best = int(np.argmax(curves.val_loss <= _EQUALLY_GOOD * np.min(curves.val_loss)))
    after = curves.num_epochs - 1 - best
    if after < 2 or np.median(curves.loss[-2:]) > _LEARNS_ON * curves.loss[best]:
        return None
    rise = float(np.median(curves.val_loss[-min(after, 3) :]) / curves.val_loss[best])
    is_ahead = np.median(curves.loss[-2:]) < _AHEAD * np.median(curves.val_loss[-2:])
    if not is_ahead or (after < _SEVERAL and rise < _SLIGHT_RISE):
        return None
    lowest, last = curves.val_loss[best], curves.val_loss[-1]
    course = (
        f"rose from {lowest:.4g} to {last:.4g}" if rise >= _SLIGHT_RISE else f"stayed flat, at {last:.4g} in the end"
    )
    return _found(
        "overfitting",
        "problem" if rise >= _STRONG_RISE else "warning",
        best + 1,
        f"overfitting from epoch {best + 1}: val_loss {course}, while the loss fell on from {curves.loss[best]:.4g} to"
        f" {curves.loss[-1]:.4g}",
        "raise model.dropout or model.l2, add augmentation, train on more images, or make the network smaller"
        " (model.filters, model.dense); training.early_stopping keeps the best epoch",
        best_val_loss=lowest,
        last_val_loss=last,
        loss_at_best=curves.loss[best],
        last_loss=curves.loss[-1],
        accuracy=curves.accuracy[-1],
        val_accuracy=curves.val_accuracy[-1],
    )


def underfitting(history: History) -> Finding | None:
    """Training and validation both stay low, and neither gets better."""
    curves = Curves.of(history, _SEVERAL)
    if curves is None:
        return None
    last = curves.window
    accuracy, val_accuracy = float(np.mean(curves.accuracy[last])), float(np.mean(curves.val_accuracy[last]))
    if max(accuracy, val_accuracy) >= _LOW_ACCURACY or accuracy - val_accuracy > _GAP:
        return None
    change_of_accuracy = max(relative_change(curves.accuracy[last]), relative_change(curves.val_accuracy[last]))
    change_of_loss = min(relative_change(curves.loss[last]), relative_change(curves.val_loss[last]))
    # By either, for a loss with a penalty in it may fall all the while, and an accuracy near 0 may double by chance.
    if change_of_accuracy > _RISES and change_of_loss < -_RISES:
        return None
    return _found(
        "underfitting",
        "problem" if max(accuracy, val_accuracy) < _VERY_LOW_ACCURACY else "warning",
        None,
        f"accuracy stays at {accuracy:.3g} and val_accuracy at {val_accuracy:.3g}, the means of the last"
        f" {len(curves.loss[last])} epochs, and neither gets better",
        "make the network larger (model.filters, model.dense, model.backbone), lower model.dropout, model.l2 and"
        " augmentation, or try another training.learning_rate",
        accuracy=accuracy,
        val_accuracy=val_accuracy,
        change_of_accuracy=change_of_accuracy,
        change_of_loss=change_of_loss,
    )


def plateau(history: History) -> Finding | None:
    """The loss no longer falls, though training accuracy is not high."""
    curves = Curves.of(history, _SEVERAL, validated=False)
    if curves is None:
        return None
    window = curves.loss[curves.window]
    accuracy = float(np.mean(curves.accuracy[curves.window]))
    if relative_change(window) < -_FLAT or accuracy >= _HIGH_ACCURACY:
        return None
    rates = history.get("learning_rate", [])
    is_spent = bool(rates) and rates[-1] < _SPENT_RATE * max(rates)
    return _found(
        "plateau",
        "warning",
        curves.num_epochs - len(window) + 1,
        f"the loss has not fallen for {len(window)} epochs: it stays at {window[-1]:.4g}, accuracy at {accuracy:.3g}",
        "let training.schedule keep the rate up for longer, for it has fallen to almost nothing"
        if is_spent
        else "lower training.learning_rate or let training.schedule do so, or make the network larger (model.filters,"
        " model.dense, model.backbone)",
        loss=window[-1],
        change=relative_change(window),
        accuracy=accuracy,
    )


def parallel(history: History) -> Finding | None:
    """Validation runs parallel to training, and both still get better."""
    curves = Curves.of(history, _FEW)
    if curves is None:
        return None
    last = curves.window
    falls, val_falls = relative_change(curves.loss[last]), relative_change(curves.val_loss[last])
    follows = change(curves.val_loss[last]) <= _FOLLOWS * change(curves.loss[last])
    is_best = int(np.argmin(curves.val_loss)) >= curves.num_epochs - 2
    if falls > -_FALLS or val_falls > -_FALLS or not follows or not is_best:
        return None
    return _found(
        "parallel",
        "good",
        None,
        f"validation runs parallel to training: over the last {len(curves.loss[last])} epochs the loss fell to"
        f" {curves.loss[-1]:.4g} and val_loss to {curves.val_loss[-1]:.4g}",
        "more epochs may help: raise training.epochs",
        loss=curves.loss[-1],
        val_loss=curves.val_loss[-1],
        change=falls,
        val_change=val_falls,
    )


def big_drop(history: History) -> Finding | None:
    """The loss falls by a large share by the third epoch."""
    curves = Curves.of(history, _EARLY, validated=False)
    if curves is None:
        return None
    first, third = curves.loss[0], curves.loss[_EARLY - 1]
    if _drop(first, third) < _BIG_DROP or not _learns(curves.accuracy[0], curves.accuracy[_EARLY - 1]):
        return None
    return _found(
        "big_drop",
        "good",
        _EARLY,
        f"the loss fell from {first:.4g} to {third:.4g} by the third epoch, by {_drop(first, third):.0%}",
        "training.learning_rate fits",
        first_loss=first,
        third_loss=third,
        drop=_drop(first, third),
    )


def _found(sign: str, kind: Kind, epoch: int | None, message: str, advice: str, **figures: float) -> Finding:
    return Finding(sign, kind, epoch, {name: float(value) for name, value in figures.items()}, message, advice)


def _drop(first: float, later: float) -> float:
    return 1 - later / first if first > 0 else 0.0


def _learns(before: float, after: float) -> bool:
    """Whether clearly more images are right: fewer errors by 3 %, or more right answers by 10 %."""
    return bool(1 - after < 0.97 * (1 - before) or after > 1.1 * before)


def _is_warming_up(history: History) -> bool:
    rates = history.get("learning_rate", [])
    return len(rates) >= _EARLY and rates[0] < 0.5 * rates[_EARLY - 1]
