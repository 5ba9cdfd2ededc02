"""The process that tries a model: TensorFlow, and nothing of what made the model.

python -m components.canary.server < plan
"""

from __future__ import annotations

import os
import pickle
import sys
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.canary.plan import BATCH_SIZES, Answer, Plan
from components.leaving import leaving_promptly

_NUM_LATENCIES = 200

_Signature = Callable[[list[bytes]], dict[str, tf.Tensor]]


class _Trial:
    """A loaded model, and what it answers."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.answer = Answer()

    def run(self) -> None:
        """Carries out all steps; one that raises is the last."""
        steps: dict[str, Callable[[], None]] = {
            "loading the model": self._load,
            "asking for real images, one by one": self._ask_alone,
            "asking by the signature for examples": self._ask_examples,
            "asking in batches": self._ask_in_batches,
            "asking for odd images": self._ask_odd,
            "asking for broken bytes": self._ask_broken,
            "sending the warm-up requests": self._warm_up,
            "running the TensorFlow Lite models": self._run_lite,
            "measuring": self._measure,
        }
        for name, step in steps.items():
            self.answer.step = name
            try:
                step()
            except Exception as error:
                self.answer.error = _in_one_line(error)
                break
        self.answer.peak_memory = _peak_memory()

    def _load(self) -> None:
        began = time.monotonic()
        self._model = tf.saved_model.load(self._plan.model, tags=["serve"])
        for name, function in self._model.signatures.items():
            [inputs] = function.structured_input_signature[1:]
            self.answer.signatures[name] = {
                "inputs": _described(inputs),
                "outputs": _described(function.structured_outputs),
            }
        of_files, of_examples = (self._model.signatures[name] for name in self._plan.signatures)
        self._of_files: _Signature = lambda batch: of_files(image_bytes=tf.constant(batch, tf.string))
        self._of_examples: _Signature = lambda batch: of_examples(examples=tf.constant(batch, tf.string))
        self.answer.load_seconds = time.monotonic() - began

    def _ask(self, files: list[bytes]) -> NDArray[np.float32]:
        return self._of_files(files)["probabilities"].numpy()

    def _ask_alone(self) -> None:
        answers = [self._of_files([file]) for file in self._plan.files]
        self._alone = np.concatenate([answer["probabilities"].numpy() for answer in answers])
        self.answer.alone = self._alone
        self.answer.labels = [answer["label"].numpy()[0].decode("utf-8", "replace") for answer in answers]

    def _ask_examples(self) -> None:
        self.answer.of_examples = self._of_examples(self._plan.examples)["probabilities"].numpy()

    def _ask_in_batches(self) -> None:
        for size in BATCH_SIZES:
            chosen = np.arange(size) % len(self._plan.files)
            found = self._ask([self._plan.files[index] for index in chosen])
            self.answer.in_batches[size] = float(np.abs(found - self._alone[chosen]).max())

    def _ask_odd(self) -> None:
        for name, file in self._plan.odd.items():
            try:
                self.answer.odd[name] = float(self._ask([file]).sum())
            except Exception as error:
                self.answer.odd[name] = _in_one_line(error)

    def _ask_broken(self) -> None:
        for name, file in self._plan.broken.items():
            try:
                self._ask([file])
                self.answer.broken[name] = None
            except Exception as error:
                self.answer.broken[name] = _in_one_line(error)
            try:
                again = self._ask(self._plan.files[:1])
                self.answer.after_broken[name] = float(np.abs(again - self._alone[:1]).max())
            except Exception as error:
                self.answer.after_broken[name] = _in_one_line(error)

    def _warm_up(self) -> None:
        for request in self._plan.warm_up:
            try:
                self._ask(request)
                self.answer.warm_up.append(None)
            except Exception as error:
                self.answer.warm_up.append(_in_one_line(error))

    def _run_lite(self) -> None:
        for kind, path in self._plan.lite.items():
            try:
                runner = tf.lite.Interpreter(path).get_signature_runner("serving_default")
                answers = [runner(pixels=image[np.newaxis])["probabilities"] for image in self._plan.pixels]
                self.answer.lite[kind] = np.concatenate(answers)
            except Exception as error:
                self.answer.lite[kind] = _in_one_line(error)

    def _measure(self) -> None:
        until = time.monotonic() + self._plan.seconds
        for index in range(_NUM_LATENCIES):
            began = time.perf_counter()
            self._ask([self._plan.files[index % len(self._plan.files)]])
            self.answer.latencies.append(time.perf_counter() - began)
            if time.monotonic() > until:
                break
        size = BATCH_SIZES[-1]
        batch = [self._plan.files[index % len(self._plan.files)] for index in range(size)]
        num_images, began = 0, time.monotonic()
        while num_images == 0 or time.monotonic() - began < self._plan.seconds:
            self._ask(batch)
            num_images += size
        self.answer.images_per_second = num_images / (time.monotonic() - began)


def _peak_memory() -> int:
    """The most that this process has had, in bytes: getrusage would count what its parent had before."""
    with open("/proc/self/status", encoding="utf-8") as file:
        [peak] = [line.split()[1] for line in file if line.startswith("VmHWM:")]
    return int(peak) * 1024


def _described(tensors: dict[str, tf.TensorSpec]) -> dict[str, str]:
    return {name: f"{tensor.dtype.name} {tensor.shape.as_list()}" for name, tensor in tensors.items()}


def _in_one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:500]


def main() -> None:
    """Reads the plan, and leaves the answer where the plan says."""
    plan: Plan = pickle.load(sys.stdin.buffer)
    trial = _Trial(plan)
    trial.run()
    growing = f"{plan.answer}.growing"
    with open(growing, "wb") as file:
        pickle.dump(trial.answer, file)
    os.replace(growing, plan.answer)


if __name__ == "__main__":
    with leaving_promptly():
        main()
