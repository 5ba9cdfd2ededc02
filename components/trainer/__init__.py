"""From transformed examples to a model that serves files' bytes."""
