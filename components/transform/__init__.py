"""Preprocessing inside the graph, the same in training and in serving."""
