from __future__ import annotations

from collections.abc import Callable

import yaml

from kubeflow.serving.kserve import kserve
from kubeflow.serving.objects import claim_name, to_yaml
from kubeflow.serving.servable import Servable
from kubeflow.serving.settings import Settings
from kubeflow.serving.tensorflow_serving import tensorflow_serving


def test_yaml_says_what_the_manifests_say(servable: Callable[..., Servable]) -> None:
    """It reads back as the same manifests, in their order, without aliases, and is the same each time."""
    served = servable("push.directory=/models/digits")
    made = [*tensorflow_serving(served, Settings()), *kserve(served, Settings(version="2.20"))]
    text = to_yaml(made)
    assert list(yaml.safe_load_all(text)) == made
    assert "&" not in text
    assert to_yaml([*tensorflow_serving(served, Settings()), *kserve(served, Settings(version="2.20"))]) == text


def test_a_long_name_stays_a_dns_label(servable: Callable[..., Servable]) -> None:
    """The claim of an experiment with the longest name has at most 63 characters, and ends in none that is refused."""
    name = claim_name(servable("name=" + "a" * 53 + "_" * 10), Settings())
    assert name == "a" * 53 + "-versions"
    assert len(claim_name(servable("name=" + "a" * 63), Settings())) == 63
