"""One training: epochs, steps, resumption."""
