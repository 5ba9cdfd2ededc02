"""Manifests that let a Kubernetes cluster serve an experiment's versions; `python -m kubeflow.serving` prints them."""
