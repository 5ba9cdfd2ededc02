"""The scheduler: when an experiment runs again by itself, and how. Loads no TensorFlow."""
