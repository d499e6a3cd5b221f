"""Leaves for every room: whole files, limits, cores, decoding, preprocessing."""
