"""Darkroom on a cluster. Nothing here is the PyPI package of this name, on which the project never depends."""
