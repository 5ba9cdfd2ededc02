"""Commands of `local_runner.py` that have a module of their own."""
