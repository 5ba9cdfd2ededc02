"""From a blessed model to a version directory that a model server loads."""
