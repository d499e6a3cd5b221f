"""Evaluation of a trained model: metrics, their certainty, its confidence."""
