"""Examples on their way into the network: as batches of pixels, and varied by augmentation."""
