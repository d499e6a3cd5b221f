"""Samplers, which propose configurations, and pruners, which stop trials."""
