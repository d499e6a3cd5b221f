"""Augmentation: random changes of the training images.

One file each, applied per sample to whole batches on the device.
"""
