"""Inspection of a data set: findings, suggestions, an HTML page."""
