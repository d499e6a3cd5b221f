"""Leaves that every room may use: files written whole, limits, cores, decoding, preprocessing."""
