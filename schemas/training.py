"""The section `training`: how the network learns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.section import Section

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
OptimizerName = Literal["sgd", "adadelta", "adagrad", "adam", "amsgrad", "adamax", "nadam", "rmsprop", "adamw"]

WITH_MOMENTUM: tuple[OptimizerName, ...] = ("sgd", "rmsprop")
WITH_NESTEROV: tuple[OptimizerName, ...] = ("sgd",)

_USUAL_RATES: dict[OptimizerName, float] = {"sgd": 0.01}
_USUAL_RATE = 0.001
_USUAL_WEIGHT_DECAY: dict[OptimizerName, float] = {"adamw": 0.004}


class EarlyStopping(Section):
    """Ends a training that no longer improves, and restores its best weights."""

    monitor: Literal["val_loss", "val_accuracy"] = "val_loss"
    """Figure of the eval split that must improve."""
    patience: Count = 5
    """Epochs without improvement before the training ends."""
    min_delta: Annotated[float, Field(ge=0)] = 0.0
    """Smallest change that counts as an improvement."""


class Schedule(Section):
    """How the learning rate changes. With e, the epochs so far, fractions of them included:"""

    kind: Literal["constant", "time", "step", "exponential", "cosine"] = "constant"
    """constant. time: rate / (1 + decay * e). step: rate * factor once every `every` epochs. exponential: the same,
    continuously. cosine: down to rate * final at the last epoch."""
    decay: Positive = 0.1
    """Of time decay."""
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Of step and exponential decay."""
    every: Positive = 5.0
    """Epochs from step to step."""
    final: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the rate that cosine decay ends at."""
    warm_up_epochs: Annotated[float, Field(ge=0)] = 0.0
    """Epochs over which the rate first rises from 0, along a line."""


class Objectives(Section):
    """What ends a training beside its epochs and early stopping."""

    accuracy: Annotated[float, Field(gt=0, le=1)] | None = None
    """Ends once the eval split's accuracy is at least this."""
    loss: Positive | None = None
    """Ends once the eval split's loss is at most this."""
    divergence: Annotated[float, Field(gt=1)] | None = 10.0
    """Ends, as a failure, when an epoch's training loss is this many times the first epoch's; null never does. A loss
    that is no finite number always ends it so."""
    minutes: Positive | None = None
    """Ends after the epoch in which this much time was spent on training, killed attempts included."""


class Checkpoints(Section):
    """What a training that was killed goes on from. They outlive the failed execution."""

    every: Count = 1
    """Epochs from one to the next."""
    keep: Count = 2
    """How many are kept, the newest."""
    best_only: bool = False
    """Writes one only when the monitored figure has improved; a killed training then goes back to its best epoch."""


class NegativeTransfer(Section):
    """A short control from random weights, against which the transfer must hold its own."""

    epochs: Count = 3
    """First epochs that are compared, by the eval split's loss."""
    action: Literal["warn", "stop"] = "warn"
    """What happens where transfer learns worse: the run says so and goes on, or ends before the rest is trained."""


class Transfer(Section):
    """How a network learns on from weights that it was given."""

    kind: Literal["similar", "distinct"] = "similar"
    """similar: the base stays frozen, the head learns. distinct: then the base is unfrozen group by group, from the top
    down to the stem; the last phase has what is left of `training.epochs`."""
    head_epochs: Count = 5
    """Epochs of the head alone, of distinct transfer."""
    group_epochs: Count = 2
    """Epochs after each group that is unfrozen."""
    rate_factor: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Learning rate while groups are unfrozen, as a share of `training.learning_rate`."""
    control: NegativeTransfer | None = None
    """Compares with a training from random weights; null does not."""


class Initialization(Section):
    """A short, heavily regularised warm-up whose weights start the full training: domain-transfer initialisation."""

    candidates: Count = 3
    """Random initialisations that are tried. After each epoch the worse half ends, by the eval split's loss."""
    epochs: Count = 3
    """Epochs that the last one left has."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """In place of `model.dropout` while warming up."""
    l2: Annotated[float, Field(ge=0)] = 0.001
    """In place of `model.l2` while warming up."""
    parallel: Count = 1
    """Processes that train at the same time."""


class Training(Section):
    """How the network learns."""

    epochs: Count = 20
    """Passes over the training split, at most."""
    steps_per_epoch: Count | None = None
    """Batches drawn per epoch. Default: the whole training split once."""
    batch_size: Count = 128
    """Images per step, over all replicas together."""
    optimizer: OptimizerName = "adam"
    """Method of optimisation. amsgrad is Adam with the larger of its second moments (Reddi et al. 2018)."""
    learning_rate: Positive | None = None
    """Step size of the optimiser. Default: the optimiser's usual one, 0.01 for sgd, 0.001 for all others."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Of sgd and rmsprop."""
    nesterov: bool = False
    """Nesterov's form of sgd's momentum."""
    weight_decay: Positive | None = None
    """Decoupled weight decay (Loshchilov and Hutter 2019). Default: 0.004 for adamw, none for all others."""
    schedule: Schedule = Schedule()
    """How the learning rate changes."""
    clip_norm: Positive | None = None
    """Largest norm of all gradients together; longer ones are scaled down."""
    clip_value: Positive | None = None
    """Largest absolute value of each gradient."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """mixed: layers compute in 16 bits, weights stay in 32. Serving computes in 32."""
    xla: bool = False
    """Compiles the training step by XLA: faster on GPUs, slower for convolutions on CPUs."""
    steps_per_execution: Count = 1
    """Steps that TensorFlow takes at a time."""
    class_weights: Literal["balanced"] | dict[str, Positive] | None = None
    """Weight of each class's examples in the loss, by label; a label left out has 1. balanced: the rarer, the more."""
    feeder: Literal["auto", "memory", "disk", "hybrid"] = "auto"
    """memory keeps the decoded training split as uint8, disk decodes anew each epoch, hybrid keeps a stratified segment
    at a time. auto: memory where the split takes at most half of the free memory, else disk."""
    segment_epochs: Count = 2
    """Epochs on each segment of the hybrid feeder."""
    segments: Annotated[int, Field(ge=2)] | None = None
    """Segments of the hybrid feeder. Default: as few as fit into a quarter of the free memory, at least 2."""
    stratified: bool = False
    """Gives each batch the classes in the proportion of the whole split; for the feeders memory and hybrid."""
    shuffle_buffer: Count = 10_000
    """Encoded examples held in memory to draw from, where the feeder reads from disk."""
    prefetch: Count | None = None
    """Batches prepared ahead. Default: TensorFlow decides."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Seed of initialisation, shuffling, augmentation and dropout."""
    deterministic: bool = False
    """One thread and deterministic kernels: the same weights bit by bit in every run on a CPU, at the price of time."""
    early_stopping: EarlyStopping | None = EarlyStopping()
    """null switches it off."""
    objectives: Objectives = Objectives()
    """What else ends a training."""
    checkpoints: Checkpoints = Checkpoints()
    """What a killed training goes on from."""
    transfer: Transfer | None = None
    """How a network with given weights learns on; null trains all of it at once."""
    initialization: Initialization | None = None
    """Warm-up of several random initialisations, of which the best starts the training; null takes the first."""
    warm_start: bool = False
    """Starts from the last blessed model of this experiment that learned from other data, where there is one."""
    workers: Count = 1
    """Processes on this machine that train together under MultiWorkerMirroredStrategy. A TF_CONFIG in the environment
    goes before it."""

    @property
    def rate(self) -> float:
        """Step size of the optimiser, its usual one where none is given."""
        return self.learning_rate or _USUAL_RATES.get(self.optimizer, _USUAL_RATE)

    @property
    def decay(self) -> float | None:
        """Decoupled weight decay, the optimiser's usual one where none is given."""
        return self.weight_decay or _USUAL_WEIGHT_DECAY.get(self.optimizer)
