"""Networks, without their training: bases, heads, groups of layers, weights in and out."""
