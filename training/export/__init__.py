"""From trained weights to files that others can run, verified."""
