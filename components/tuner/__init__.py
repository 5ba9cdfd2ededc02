"""Searches for hyperparameters by short trainings, before the training."""
