"""Pruners, which stop trials early: one per file, named as the file."""
