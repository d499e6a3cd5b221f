"""The models that a space can name."""
