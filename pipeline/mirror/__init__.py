"""A workspace in an object store, at hand as a local copy."""
