"""One training loop for all strategies, and what surrounds it."""
