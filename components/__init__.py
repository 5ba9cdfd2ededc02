"""The stages: one folder each, `component.py` declares, the other modules work."""
