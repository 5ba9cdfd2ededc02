"""Tries an exported model as a model server would use it, before anybody else does."""
