"""Hyperparameter search for PyTorch image classifiers."""
