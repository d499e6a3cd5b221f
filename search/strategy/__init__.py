"""Strategies, pure: proposers of configurations, and schedulers, which stop trials."""
