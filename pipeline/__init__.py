"""The pipeline: its stages in order, where they keep their files, and the loop that executes them."""
