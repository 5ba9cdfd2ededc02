"""The report of a run: one HTML file that a person reads without this project."""
