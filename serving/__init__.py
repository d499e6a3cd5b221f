"""Serving of an exported model over HTTP.

It needs neither torch nor the search.
"""
