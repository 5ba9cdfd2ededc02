"""Tells others how a run ended. Loads no TensorFlow."""
