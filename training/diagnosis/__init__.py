"""Diagnosis of a training: verdict and checks.

The verdict is from its history; checks look at data, model and gradients.
"""
