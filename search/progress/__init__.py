"""Progress views of a search and of a training."""
