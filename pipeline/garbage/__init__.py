"""What of an experiment's workspace nothing needs any more, and its removal."""
