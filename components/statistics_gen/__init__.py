"""Statistics of facts and labels, never of image bytes."""
