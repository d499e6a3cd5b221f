"""A trained model in a folder, and its answers."""
