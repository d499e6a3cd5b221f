"""Proposers of configurations. Here alone, and in the samplers, search knows Optuna."""
