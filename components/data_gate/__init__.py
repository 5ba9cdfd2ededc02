"""Stops a run whose data cannot be trusted."""
