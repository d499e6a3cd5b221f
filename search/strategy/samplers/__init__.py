"""Samplers, which propose configurations: one per file, named as the file."""
