"""Data: from any source to a pack, and to batches.

A pack is a split, memory-mapped data set; batches are on the training device.
"""
