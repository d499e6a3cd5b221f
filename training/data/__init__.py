"""From any source to a packed, split, memory-mapped data set, and from there to batches on the device."""
